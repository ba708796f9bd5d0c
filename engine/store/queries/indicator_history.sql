SELECT i.code, i."window", p.kind, p.code, v.start, v.ticks * i.step, i.unit, coalesce(v.band, 0)::int,
       coalesce(i.bands[v.band], ''), coalesce(m.code, ''), v.received, v.expected, v.revision, v.computed_at
FROM indicator_value v
JOIN indicator i USING (indicator_id)
JOIN scope p USING (scope_id)
LEFT JOIN measurand m ON m.measurand_id = v.driver
WHERE v.start >= %(low)s AND v.start < %(high)s
  AND (%(indicator)s::text IS NULL OR i.code = %(indicator)s)
  AND (%(window)s::text IS NULL OR i."window" = %(window)s)
  AND (%(scope_kind)s::text IS NULL OR p.kind = %(scope_kind)s)
  AND (%(scope)s::text IS NULL OR p.code = %(scope)s)
ORDER BY i.code, i."window", p.kind, p.code, v.start
