-- Every series there ever was, with what its ticks mean: also those that the city's list has no more.
SELECT s.series_id, d.code, s.field, m.code, m.unit, m.decimals, m.states
FROM series s
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
ORDER BY d.code COLLATE "C", s.field COLLATE "C", m.code COLLATE "C"
