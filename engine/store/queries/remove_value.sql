-- Results that should not exist; what was published of closed windows is kept.
WITH gone AS (
    DELETE FROM indicator_value v
    USING :rows_value
    WHERE v.indicator_id = s.indicator_id AND v.scope_id = s.scope_id AND v.start = s.start
      AND v.start >= %(low)s AND v.start <= %(high)s
    RETURNING v.*
)
INSERT INTO indicator_revision (
    indicator_id, scope_id, start, revision, ticks, band, driver, received, expected, computed_at, reason, superseded_at
)
SELECT indicator_id, scope_id, start, revision, ticks, band, driver, received, expected, computed_at, %(reason)s, %(computed)s
FROM gone
WHERE revision >= 1
ON CONFLICT DO NOTHING
