-- Flags of one device by measurand and rule.
SELECT d.code, s.field, m.code, f.rule::int, count(*), count(*) FILTER (WHERE f.excluded), min(f.time), max(f.time)
FROM device d
JOIN series s USING (device_id)
JOIN measurand m USING (measurand_id)
JOIN observation_flag f USING (series_id)
WHERE d.code = %(device)s
GROUP BY d.code, s.field, m.code, f.rule
ORDER BY s.field, m.code, f.rule
