-- Keep what stood at the end of a minute of an open window of the city or a zone, of those between the limits. Run before
-- flush_value, in the same transaction. One that was replaced within its minute is not kept: nobody can have relied on it.
INSERT INTO indicator_seen (
    superseded_at, start, ticks, received, expected, computed_at, indicator_id, scope_id, driver, band
)
SELECT %(computed)s, o.start, o.ticks, o.received, o.expected, o.computed_at, o.indicator_id, o.scope_id, o.driver, o.band
FROM stage_value s
JOIN scope p ON p.scope_id = s.scope_id AND p.kind <> 'station'
CROSS JOIN LATERAL (
    -- By one look into the index for each (see append_known).
    SELECT *
    FROM indicator_value
    WHERE indicator_id = s.indicator_id AND scope_id = s.scope_id AND start = s.start
      AND start >= %(low)s AND start <= %(high)s
    LIMIT 1
) o
WHERE s.start >= %(low)s AND s.start <= %(high)s
  AND o.revision = 0
  AND date_trunc('minute', o.computed_at) < date_trunc('minute', %(computed)s)
  AND (o.ticks, o.band, o.driver, o.received, o.expected)
      IS DISTINCT FROM
      (nullif(s.ticks, -9223372036854775808), nullif(s.band, 0), nullif(s.driver, -1), s.received, s.expected)
