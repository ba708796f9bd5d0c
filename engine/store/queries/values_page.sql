-- Results of one indicator for one scope, or for all of a kind, in order of time.
SELECT i.code, i."window", p.kind, p.code, v.start, v.ticks * i.step, i.unit, coalesce(v.band, 0)::int,
       coalesce(i.bands[v.band], ''), coalesce(m.code, ''), v.received, v.expected, v.revision, v.computed_at
FROM indicator_value v
JOIN indicator i USING (indicator_id)
JOIN scope p USING (scope_id)
LEFT JOIN measurand m ON m.measurand_id = v.driver
WHERE i.code = %(indicator)s AND i."window" = %(window)s AND p.kind = %(kind)s
  AND (%(code)s::text IS NULL OR p.code = %(code)s)
  AND v.start >= %(low)s AND v.start < %(high)s
  AND (v.start, p.code COLLATE "C") > (%(after_start)s, %(after_code)s)
ORDER BY v.start, p.code COLLATE "C"
LIMIT %(limit)s
