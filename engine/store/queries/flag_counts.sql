-- Flags by device, measurand and rule.
SELECT d.code, s.field, m.code, f.rule::int, f.flags, f.excluded, f.first, f.last
FROM (
    SELECT series_id, rule, count(*) AS flags, count(*) FILTER (WHERE excluded) AS excluded, min(time) AS first, max(time) AS last
    FROM observation_flag
    GROUP BY series_id, rule
) f
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
ORDER BY d.code, s.field, f.rule
