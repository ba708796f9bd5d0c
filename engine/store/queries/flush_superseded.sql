-- Keep what was published for closed windows between the limits before it is replaced. Run before flush_value, in the same
-- transaction.
INSERT INTO indicator_revision (
    indicator_id, scope_id, start, revision, ticks, band, driver, received, expected, computed_at, reason, superseded_at
)
SELECT o.indicator_id, o.scope_id, o.start, o.revision, o.ticks, o.band, o.driver, o.received, o.expected, o.computed_at,
       %(reason)s, %(computed)s
FROM stage_value s
CROSS JOIN LATERAL (
    -- By one look into the index for each (see append_known).
    SELECT *
    FROM indicator_value
    WHERE indicator_id = s.indicator_id AND scope_id = s.scope_id AND start = s.start
      AND start >= %(low)s AND start <= %(high)s
    LIMIT 1
) o
WHERE s.start >= %(low)s AND s.start <= %(high)s
  AND o.revision >= 1
  AND (o.ticks, o.band, o.driver, o.received, o.expected)
      IS DISTINCT FROM
      (nullif(s.ticks, -9223372036854775808), nullif(s.band, 0), nullif(s.driver, -1), s.received, s.expected)
-- A row that a recomputation removed may come again and count its revisions anew.
ON CONFLICT DO NOTHING
