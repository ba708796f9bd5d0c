SELECT o.time, o.ticks, o.flags::int, f.rules, f.excluded
FROM observation o
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(rule::int ORDER BY rule), '{}'::int[]) AS rules, coalesce(bool_or(excluded), false) AS excluded
    FROM observation_flag
    WHERE series_id = o.series_id AND time = o.time
) f
WHERE o.series_id = %(series)s AND o.time >= %(low)s AND o.time < %(high)s
ORDER BY o.time
LIMIT %(limit)s
