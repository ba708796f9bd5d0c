INSERT INTO scope (kind, code, title)
SELECT x.kind, x.code, x.title
FROM unnest(%(kinds)s::text[], %(codes)s::text[], %(titles)s::text[]) WITH ORDINALITY AS x (kind, code, title, position)
WHERE NOT EXISTS (SELECT FROM scope p WHERE p.kind = x.kind AND p.code = x.code)
ORDER BY x.position
