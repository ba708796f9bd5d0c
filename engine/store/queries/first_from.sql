-- Of one chunk, the first observation at or after each time.
SELECT string_agg(int4send(s.slot) || timestamptz_send(o.time) || int8send(o.ticks) || int4send(o.flags), ''::bytea)
FROM unnest(%(from)s::timestamptz[], %(to)s::timestamptz[], %(series)s::int[], %(label)s::int[]) s (low, high, series_id, slot)
CROSS JOIN LATERAL (
    SELECT time, ticks, flags
    FROM observation
    WHERE series_id = s.series_id AND time >= s.low AND time >= %(low)s AND time < %(high)s
    ORDER BY time
    LIMIT 1
) o
