-- Series that ever had a reading, of one device, zone or measurand, or of all.
SELECT s.series_id, d.code, s.field, m.code, m.unit, m.kind, m.decimals::int, m.states, s.interval_us, s.listed
FROM series s
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
WHERE s.seen
  AND (%(device)s::text IS NULL OR d.code = %(device)s)
  AND (%(zone)s::text IS NULL OR d.zone = %(zone)s)
  AND (%(measurand)s::text IS NULL OR m.code = %(measurand)s)
ORDER BY s.series_id
LIMIT %(limit)s
