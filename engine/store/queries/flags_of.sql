-- Flags of the spans, by one look into the index for each.
SELECT string_agg(int4send(s.slot) || timestamptz_send(f.time) || int4send(f.rule) || int4send(f.excluded::int), ''::bytea)
FROM unnest(%(from)s::timestamptz[], %(to)s::timestamptz[], %(series)s::int[], %(label)s::int[]) s (low, high, series_id, slot)
CROSS JOIN LATERAL (
    SELECT time, rule, excluded
    FROM observation_flag
    WHERE series_id = s.series_id AND time >= s.low AND time < s.high
    OFFSET 0
) f
