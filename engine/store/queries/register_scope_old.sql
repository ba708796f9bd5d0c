UPDATE scope p SET title = x.title
FROM unnest(%(kinds)s::text[], %(codes)s::text[], %(titles)s::text[]) AS x (kind, code, title)
WHERE p.kind = x.kind AND p.code = x.code AND p.title <> x.title
