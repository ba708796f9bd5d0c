-- Series of some devices; of a field that changed its measurand the listed one, else the newest, comes first.
SELECT s.series_id, d.code, s.field, m.code, m.unit, m.kind, m.decimals::int, m.states, s.interval_us, s.listed
FROM series s
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
WHERE d.code = ANY(%(devices)s::text[]) AND (%(field)s::text IS NULL OR s.field = %(field)s)
ORDER BY d.code, s.listed DESC, s.series_id
