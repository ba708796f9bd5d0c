WITH changed AS (
    UPDATE indicator
    SET title = %(title)s, bands = %(bands)s::text[], source = %(source)s, listed = true
    WHERE code = %(code)s AND "window" = %(window)s
    RETURNING 1
)
INSERT INTO indicator (code, "window", title, unit, decimals, bands, source)
SELECT %(code)s, %(window)s, %(title)s, %(unit)s, %(decimals)s, %(bands)s::text[], %(source)s
WHERE NOT EXISTS (SELECT FROM changed)
