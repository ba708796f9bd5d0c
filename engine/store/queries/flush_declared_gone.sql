-- What is declared otherwise now, or no longer.
UPDATE declared_value d
SET withdrawn_at = %(now)s
WHERE d.withdrawn_at IS NULL
  AND NOT EXISTS (
      SELECT
      FROM stage_declared s
      WHERE (s.key, s."year") = (d.key, d."year")
        AND (s.kind, s.value, s.unit, s.ratio, s.numerator, s.denominator, s.quality, s.origin, s.source, s.note)
            IS NOT DISTINCT FROM
            (d.kind, d.value, d.unit, d.ratio, d.numerator, d.denominator, d.quality, d.origin, d.source, d.note)
  )
