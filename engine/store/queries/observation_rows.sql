SELECT d.code, s.field, m.code, o.time, o.ticks * m.step, m.unit,
       CASE WHEN m.kind = 'state' THEN coalesce(m.states[o.ticks + 1], '') ELSE '' END, o.flags::int,
       f.rules, f.excluded
FROM series s
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
CROSS JOIN LATERAL (
    SELECT time, ticks, flags
    FROM observation
    WHERE series_id = s.series_id AND time >= %(low)s AND time < %(high)s
    ORDER BY time DESC
    LIMIT %(limit)s
) o
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(rule::int ORDER BY rule), '{}'::int[]) AS rules, coalesce(bool_or(excluded), false) AS excluded
    FROM observation_flag
    WHERE series_id = s.series_id AND time = o.time
) f
WHERE s.series_id = ANY(%(series)s::int[])
ORDER BY o.time DESC, d.code, s.field
LIMIT %(limit)s
