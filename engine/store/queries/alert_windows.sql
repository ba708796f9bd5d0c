-- The newest windows of the indicators and kinds of scope that rules watch, so many of each: one look into the key's index
-- for each indicator and scope.
SELECT i.code, i."window", CASE WHEN p.kind = 'city' THEN 'city' ELSE p.kind || ':' || p.code END, v.start, v.ticks * i.step,
       i.unit, v.received, v.expected, v.revision
FROM unnest(%(indicators)s::text[], %(windows)s::text[], %(kinds)s::text[], %(depths)s::int[]) AS asked (code, "window", kind, depth)
JOIN indicator i ON i.code = asked.code AND i."window" = asked."window" AND i.listed
JOIN scope p ON p.kind = asked.kind
CROSS JOIN LATERAL (
    SELECT start, ticks, received, expected, revision
    FROM indicator_value
    WHERE indicator_id = i.indicator_id AND scope_id = p.scope_id AND start >= %(since)s
    ORDER BY start DESC
    LIMIT asked.depth
) v
ORDER BY i.code, i."window", p.kind, p.code, v.start
