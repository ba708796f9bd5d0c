SELECT p.scope_id
FROM unnest(%(kinds)s::text[], %(codes)s::text[], %(titles)s::text[]) WITH ORDINALITY AS x (kind, code, title, position)
JOIN scope p ON p.kind = x.kind AND p.code = x.code
ORDER BY x.position
