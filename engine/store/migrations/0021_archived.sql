-- Until when observations left the database for an archive, and what of them is still needed here.

CREATE TABLE archived (
    until       timestamptz PRIMARY KEY,
    dropped_to  timestamptz NOT NULL CHECK (dropped_to <= until),
    folder      text NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE archived IS 'One row each time that observations left the database, after every day of them was archived and verified. The newest until counts.';
COMMENT ON COLUMN archived.until IS 'Start of the first civil day whose figures can be computed again from the observations here. Readings that come late for an earlier time are quarantined as archived.';
COMMENT ON COLUMN archived.dropped_to IS 'Observations before this time are in the archive alone. Those from here to until are in both: later days need them to be computed again.';
COMMENT ON COLUMN archived.folder IS 'The archive, as it was given.';
COMMENT ON COLUMN archived.archived_at IS 'When they left.';

CREATE TABLE archived_last (
    time      timestamptz NOT NULL,
    ticks     bigint NOT NULL,
    series_id int PRIMARY KEY,
    flags     smallint NOT NULL
);
COMMENT ON TABLE archived_last IS 'The newest observation of each series that left: a counter''s next rise, and the silence of a series, are counted from it.';
COMMENT ON COLUMN archived_last.time IS 'Phenomenon time.';
COMMENT ON COLUMN archived_last.ticks IS 'Value as a count of the measurand''s resolution.';
COMMENT ON COLUMN archived_last.series_id IS 'See series.';
COMMENT ON COLUMN archived_last.flags IS 'As in observation.';
