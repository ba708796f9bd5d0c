-- The same for the spans. One look into the index for each: joining the tables instead made the planner read the
-- whole stretch of time from the first span to the last.
SELECT s.slot, o.packed
FROM unnest(%(from)s::timestamptz[], %(to)s::timestamptz[], %(series)s::int[], %(label)s::int[]) s (low, high, series_id, slot)
CROSS JOIN LATERAL (
    SELECT string_agg(timestamptz_send(time) || int8send(ticks) || int2send(flags), ''::bytea ORDER BY time) AS packed
    FROM observation
    WHERE series_id = s.series_id AND time >= s.low AND time < s.high AND time >= %(low)s AND time < %(high)s
) o
WHERE o.packed IS NOT NULL
