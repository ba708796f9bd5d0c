-- Revisions as in the windows. computed_at is not part of the result: the same result computed again is not written, and
-- one that only closes keeps the time since when it has stood.
INSERT INTO indicator_value AS old (
    start, ticks, received, expected, computed_at, indicator_id, scope_id, driver, revision, band
)
SELECT start, nullif(ticks, -9223372036854775808), received, expected, %(computed)s, indicator_id, scope_id, nullif(driver, -1),
       revision, nullif(band, 0)
FROM stage_value
ORDER BY indicator_id, scope_id, start
ON CONFLICT (indicator_id, scope_id, start) DO UPDATE
SET ticks = excluded.ticks, band = excluded.band, driver = excluded.driver, received = excluded.received,
    expected = excluded.expected,
    computed_at = CASE
        WHEN (old.ticks, old.band, old.driver, old.received, old.expected)
             IS DISTINCT FROM (excluded.ticks, excluded.band, excluded.driver, excluded.received, excluded.expected)
        THEN excluded.computed_at
        ELSE old.computed_at
    END,
    revision = CASE
        WHEN old.revision = 0 THEN excluded.revision
        WHEN (old.ticks, old.band, old.driver, old.received, old.expected)
             IS DISTINCT FROM (excluded.ticks, excluded.band, excluded.driver, excluded.received, excluded.expected)
        THEN old.revision + 1
        ELSE old.revision
    END
WHERE (old.ticks, old.band, old.driver, old.received, old.expected)
      IS DISTINCT FROM (excluded.ticks, excluded.band, excluded.driver, excluded.received, excluded.expected)
   OR old.revision < excluded.revision
