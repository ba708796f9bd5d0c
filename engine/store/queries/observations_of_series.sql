-- Readings of some series in order of time, those of one instant in order of their series.
SELECT o.time, o.series_id, o.ticks, o.flags::int, f.rules, f.excluded
FROM (
    SELECT time, series_id, ticks, flags
    FROM observation
    WHERE series_id = ANY(%(series)s::int[]) AND time >= %(low)s AND time < %(high)s
      AND (time, series_id) > (%(after_time)s, %(after_series)s::bigint)
    ORDER BY time, series_id
    LIMIT %(limit)s
) o
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(rule::int ORDER BY rule), '{}'::int[]) AS rules, coalesce(bool_or(excluded), false) AS excluded
    FROM observation_flag
    WHERE series_id = o.series_id AND time = o.time
) f
ORDER BY o.time, o.series_id
