-- Run after flush_declared_gone, in the same transaction: what stands by now stands as it is declared.
INSERT INTO declared_value (
    key, kind, "year", value, unit, ratio, numerator, denominator, quality, origin, source, note, declared_at
)
SELECT s.key, s.kind, s."year", s.value, s.unit, s.ratio, s.numerator, s.denominator, s.quality, s.origin, s.source, s.note,
       %(now)s
FROM stage_declared s
WHERE NOT EXISTS (
    SELECT FROM declared_value d WHERE (d.key, d."year") = (s.key, s."year") AND d.withdrawn_at IS NULL
)
ORDER BY s."year", s.key
