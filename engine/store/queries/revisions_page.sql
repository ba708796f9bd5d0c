-- Replaced results of one indicator for one scope, or for all of a kind, in order of time, and what stands now.
SELECT i.code, i."window", p.kind, p.code, r.start, r.ticks * i.step, i.unit, coalesce(r.band, 0)::int,
       coalesce(i.bands[r.band], ''), coalesce(m.code, ''), r.received, r.expected, r.revision, r.computed_at,
       r.superseded_at, r.reason, v.ticks * i.step, coalesce(v.revision, 0)
FROM indicator_revision r
JOIN indicator i USING (indicator_id)
JOIN scope p USING (scope_id)
LEFT JOIN measurand m ON m.measurand_id = r.driver
LEFT JOIN indicator_value v ON v.indicator_id = r.indicator_id AND v.scope_id = r.scope_id AND v.start = r.start
WHERE i.code = %(indicator)s AND i."window" = %(window)s AND p.kind = %(kind)s
  AND (%(code)s::text IS NULL OR p.code = %(code)s)
  AND r.start >= %(low)s AND r.start < %(high)s
  AND (r.start, p.code COLLATE "C", r.revision) > (%(after_start)s, %(after_code)s, %(after_revision)s)
ORDER BY r.start, p.code COLLATE "C", r.revision
LIMIT %(limit)s
