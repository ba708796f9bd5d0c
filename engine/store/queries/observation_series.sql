SELECT s.series_id
FROM series s
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
WHERE s.seen
  AND (%(device)s::text IS NULL OR d.code = %(device)s)
  AND (%(measurand)s::text IS NULL OR m.code = %(measurand)s)
ORDER BY s.series_id
