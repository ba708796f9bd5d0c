-- Not a plain upsert: that would use up an id at every start.
WITH changed AS (
    UPDATE measurand
    SET title = %(title)s, low_ticks = %(low_ticks)s, high_ticks = %(high_ticks)s, states = %(states)s::text[], source = %(source)s
    WHERE code = %(code)s
    RETURNING 1
)
INSERT INTO measurand (code, title, unit, kind, decimals, low_ticks, high_ticks, states, source)
SELECT %(code)s, %(title)s, %(unit)s, %(kind)s, %(decimals)s, %(low_ticks)s, %(high_ticks)s, %(states)s::text[], %(source)s
WHERE NOT EXISTS (SELECT FROM changed)
