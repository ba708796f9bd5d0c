UPDATE kpi_finding f
SET gone_at = %(seen)s
WHERE f.horizon = %(horizon)s AND f."year" = %(year)s AND f.gone_at IS NULL
  AND NOT EXISTS (
      SELECT
      FROM unnest(%(rule)s::text[], %(subject)s::text[], %(nth)s::int[]) AS s (rule, subject, nth)
      WHERE (s.rule, s.subject, s.nth) = (f.rule, f.subject, f.nth)
  )
