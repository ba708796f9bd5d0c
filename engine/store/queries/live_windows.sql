-- The newest results of each listed indicator and scope: one look into the key's index for each.
SELECT i.code, i."window", p.kind, p.code, v.start, v.ticks * i.step, i.unit, coalesce(v.band, 0)::int,
       coalesce(i.bands[v.band], ''), coalesce(m.code, ''), v.received, v.expected, v.revision, v.computed_at
FROM indicator i
CROSS JOIN scope p
CROSS JOIN LATERAL (
    SELECT *
    FROM indicator_value
    WHERE indicator_id = i.indicator_id AND scope_id = p.scope_id
    ORDER BY start DESC
    LIMIT %(depth)s
) v
LEFT JOIN measurand m ON m.measurand_id = v.driver
WHERE i.listed AND p.kind = ANY(%(kinds)s::text[])
ORDER BY i.code, i."window", p.kind, p.code, v.start
