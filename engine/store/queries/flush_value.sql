-- Write results, all of them between the limits; keep what stood. Every part sees what stood before the statement.
WITH s AS MATERIALIZED (
    SELECT *
    FROM :rows_value
),
stood AS MATERIALIZED (
    -- What stands otherwise, by one look into the index for each (see append_known).
    SELECT o.*
    FROM s
    CROSS JOIN LATERAL (
        SELECT *
        FROM indicator_value
        WHERE indicator_id = s.indicator_id AND scope_id = s.scope_id AND start = s.start
          AND start >= %(low)s AND start <= %(high)s
        LIMIT 1
    ) o
    WHERE (o.ticks, o.band, o.driver, o.received, o.expected)
          IS DISTINCT FROM
          (nullif(s.ticks, -9223372036854775808), nullif(s.band, 0), nullif(s.driver, -1), s.received, s.expected)
),
seen AS (
    -- What stood at the end of a minute of an open window of the city or a zone. One that was replaced within its minute is
    -- not kept: nobody can have relied on it.
    INSERT INTO indicator_seen (
        superseded_at, start, ticks, received, expected, computed_at, indicator_id, scope_id, driver, band
    )
    SELECT %(computed)s, o.start, o.ticks, o.received, o.expected, o.computed_at, o.indicator_id, o.scope_id, o.driver, o.band
    FROM stood o
    JOIN scope p ON p.scope_id = o.scope_id AND p.kind <> 'station'
    WHERE o.revision = 0
      AND date_trunc('minute', o.computed_at) < date_trunc('minute', %(computed)s)
),
superseded AS (
    -- What was published for closed windows. A row that a recomputation removed may come again and count its revisions anew.
    INSERT INTO indicator_revision (
        indicator_id, scope_id, start, revision, ticks, band, driver, received, expected, computed_at, reason, superseded_at
    )
    SELECT indicator_id, scope_id, start, revision, ticks, band, driver, received, expected, computed_at,
           %(reason)s, %(computed)s
    FROM stood
    WHERE revision >= 1
    ON CONFLICT DO NOTHING
    RETURNING 1
),
written AS (
    -- Revisions as in the windows. computed_at is not part of the result: the same result computed again is not written, and
    -- one that only closes keeps the time since when it has stood.
    INSERT INTO indicator_value AS old (
        start, ticks, received, expected, computed_at, indicator_id, scope_id, driver, revision, band
    )
    SELECT start, nullif(ticks, -9223372036854775808), received, expected, %(computed)s, indicator_id, scope_id, nullif(driver, -1),
           revision, nullif(band, 0)
    FROM s
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
    RETURNING 1
)
SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM superseded)
