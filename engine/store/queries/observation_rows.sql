SELECT d.code, s.field, m.code, o.time, o.ticks * m.step, m.unit,
       CASE WHEN m.kind = 'state' THEN coalesce(m.states[o.ticks + 1], '') ELSE '' END, o.flags::int
FROM observation o
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
WHERE o.time >= %(low)s AND o.time < %(high)s
  AND (%(device)s::text IS NULL OR d.code = %(device)s)
  AND (%(measurand)s::text IS NULL OR m.code = %(measurand)s)
ORDER BY o.time DESC, d.code, s.field
LIMIT %(limit)s
