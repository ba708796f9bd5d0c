-- As last_before, of the observations that left for an archive.
SELECT string_agg(int4send(s.slot) || timestamptz_send(o.time) || int8send(o.ticks) || int4send(o.flags), ''::bytea)
FROM unnest(%(from)s::timestamptz[], %(to)s::timestamptz[], %(series)s::int[], %(label)s::int[]) s (low, high, series_id, slot)
JOIN archived_last o ON o.series_id = s.series_id AND o.time < s.low
