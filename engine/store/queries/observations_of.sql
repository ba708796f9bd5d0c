-- The same for the staged spans. One look into the index for each: joining the tables instead made the planner read the
-- whole stretch of time from the first span to the last.
SELECT s.slot, o.packed
FROM stage_span s
CROSS JOIN LATERAL (
    SELECT string_agg(timestamptz_send(time) || int8send(ticks) || int2send(flags), ''::bytea ORDER BY time) AS packed
    FROM observation
    WHERE series_id = s.series_id AND time >= s.low AND time < s.high AND time >= %(low)s AND time < %(high)s
) o
WHERE o.packed IS NOT NULL
