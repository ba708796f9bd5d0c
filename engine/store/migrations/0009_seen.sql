-- What the screens showed of windows that were still open.

CREATE TABLE indicator_seen (
    superseded_at timestamptz NOT NULL,
    start         timestamptz NOT NULL,
    ticks         bigint,
    received      bigint NOT NULL,
    expected      bigint NOT NULL,
    computed_at   timestamptz NOT NULL,
    indicator_id  int NOT NULL,
    scope_id      int NOT NULL,
    driver        int,
    band          smallint
);
COMMENT ON TABLE indicator_seen IS 'Provisional results of the city and its zones as they stood at the end of each minute of the clock, until a later one replaced them. Old ones are dropped by the day.';
COMMENT ON COLUMN indicator_seen.superseded_at IS 'When the next result was computed.';
COMMENT ON COLUMN indicator_seen.start IS 'Start of the window, included.';
COMMENT ON COLUMN indicator_seen.ticks IS 'Replaced value as a count of the indicator''s step; null where there was none.';
COMMENT ON COLUMN indicator_seen.received IS 'Observations the replaced result rested on.';
COMMENT ON COLUMN indicator_seen.expected IS 'Observations that were expected.';
COMMENT ON COLUMN indicator_seen.computed_at IS 'When the replaced result was computed.';
COMMENT ON COLUMN indicator_seen.indicator_id IS 'See indicator.';
COMMENT ON COLUMN indicator_seen.scope_id IS 'See scope; stations are not kept here.';
COMMENT ON COLUMN indicator_seen.driver IS 'Replaced driver.';
COMMENT ON COLUMN indicator_seen.band IS 'Replaced band.';

-- 50 zones with 30 indicators write at most 2 million rows a day.
DO $$
BEGIN
    PERFORM create_hypertable('indicator_seen', 'superseded_at', chunk_time_interval => INTERVAL '1 day', create_default_indexes => false);
END
$$;

CREATE INDEX indicator_seen_key ON indicator_seen (indicator_id, scope_id, start, computed_at);

CREATE VIEW v_indicator_known AS
SELECT i.code AS indicator,
       i."window",
       p.kind AS scope_kind,
       p.code AS scope,
       v.start,
       v.start AT TIME ZONE c.time_zone AS local_start,
       v.ticks * i.step AS value,
       i.unit,
       v.band,
       i.bands[v.band] AS band_name,
       m.code AS driver,
       v.received,
       v.expected,
       round(v.received::numeric / nullif(v.expected, 0), 6) AS coverage,
       v.revision,
       v.computed_at,
       v.superseded_at
FROM (
    SELECT indicator_id, scope_id, start, ticks, band, driver, received, expected, revision, computed_at, NULL::timestamptz AS superseded_at
    FROM indicator_value
    UNION ALL
    SELECT indicator_id, scope_id, start, ticks, band, driver, received, expected, revision, computed_at, superseded_at
    FROM indicator_revision
    UNION ALL
    SELECT indicator_id, scope_id, start, ticks, band, driver, received, expected, 0, computed_at, superseded_at
    FROM indicator_seen
) v
JOIN indicator i USING (indicator_id)
JOIN scope p USING (scope_id)
LEFT JOIN measurand m ON m.measurand_id = v.driver
CROSS JOIN city c;
COMMENT ON VIEW v_indicator_known IS 'Every result ever kept, with when it was computed and until when it stood (null: it stands). What was known at a time T is, per indicator, scope and start, the row with the latest computed_at up to T.';
