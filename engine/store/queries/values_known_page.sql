-- As values_page, each window as the latest result computed up to a time had it, whether it stands or was replaced since.
SELECT DISTINCT ON (v.start, p.code COLLATE "C")
       i.code, i."window", p.kind, p.code, v.start, v.ticks * i.step, i.unit, coalesce(v.band, 0)::int,
       coalesce(i.bands[v.band], ''), coalesce(m.code, ''), v.received, v.expected, v.revision, v.computed_at
FROM indicator i
JOIN scope p ON p.kind = %(kind)s AND (%(code)s::text IS NULL OR p.code = %(code)s)
CROSS JOIN LATERAL (
    SELECT start, ticks, band, driver, received, expected, revision, computed_at
    FROM indicator_value
    WHERE indicator_id = i.indicator_id AND scope_id = p.scope_id AND start >= %(low)s AND start < %(high)s
    UNION ALL
    SELECT start, ticks, band, driver, received, expected, revision, computed_at
    FROM indicator_revision
    WHERE indicator_id = i.indicator_id AND scope_id = p.scope_id AND start >= %(low)s AND start < %(high)s
    UNION ALL
    SELECT start, ticks, band, driver, received, expected, 0, computed_at
    FROM indicator_seen
    WHERE indicator_id = i.indicator_id AND scope_id = p.scope_id AND start >= %(low)s AND start < %(high)s
) v
LEFT JOIN measurand m ON m.measurand_id = v.driver
WHERE i.code = %(indicator)s AND i."window" = %(window)s AND v.computed_at <= %(known)s
  AND (v.start, p.code COLLATE "C") > (%(after_start)s, %(after_code)s)
ORDER BY v.start, p.code COLLATE "C", v.computed_at DESC, v.revision DESC
LIMIT %(limit)s
