-- Buckets and windows: exact sums per series and span, which merge by addition.
-- Rows are overwritten while they are open, so a page keeps room (fillfactor) for the new version beside the old one:
-- the index then stays untouched.

CREATE TABLE bucket_minute (
    start     timestamptz NOT NULL,
    count     bigint NOT NULL CHECK (count >= 0),
    low       bigint NOT NULL,
    high      bigint NOT NULL,
    sum_0     bigint NOT NULL,
    sum_1     bigint NOT NULL,
    sum_2     bigint NOT NULL,
    sum_3     bigint NOT NULL,
    expected  bigint NOT NULL CHECK (expected >= 0),
    series_id int NOT NULL,
    revision  int NOT NULL CHECK (revision >= 0),
    PRIMARY KEY (series_id, start)
) WITH (fillfactor = 70);
COMMENT ON TABLE bucket_minute IS 'Figures of one series over one minute UTC.';
COMMENT ON COLUMN bucket_minute.start IS 'Start of the minute, included.';
COMMENT ON COLUMN bucket_minute.count IS 'Observations inside.';
COMMENT ON COLUMN bucket_minute.low IS 'Least tick; 0 where count is 0.';
COMMENT ON COLUMN bucket_minute.high IS 'Greatest tick; 0 where count is 0.';
COMMENT ON COLUMN bucket_minute.sum_0 IS 'First exact sum: ticks (gauge), increase of the pairs of readings that end in the minute (counter), energies (level), cosines (angle), microseconds in state 0, or weights (event).';
COMMENT ON COLUMN bucket_minute.sum_1 IS 'Second exact sum: sines (angle) or microseconds in state 1; else 0.';
COMMENT ON COLUMN bucket_minute.sum_2 IS 'Microseconds in state 2; else 0.';
COMMENT ON COLUMN bucket_minute.sum_3 IS 'Microseconds in state 3; else 0.';
COMMENT ON COLUMN bucket_minute.expected IS 'Observations that the reporting interval promises.';
COMMENT ON COLUMN bucket_minute.series_id IS 'See series.';
COMMENT ON COLUMN bucket_minute.revision IS '0 while open, 1 when closed, one more for every later change of a closed one.';

-- As many rows as observations, in the worst case.
DO $$
BEGIN
    PERFORM create_hypertable('bucket_minute', 'start', chunk_time_interval => INTERVAL '7 days', create_default_indexes => false);
END
$$;

CREATE TABLE window_hour (
    start     timestamptz NOT NULL,
    count     bigint NOT NULL CHECK (count >= 0),
    low       bigint NOT NULL,
    high      bigint NOT NULL,
    sum_0     bigint NOT NULL,
    sum_1     bigint NOT NULL,
    sum_2     bigint NOT NULL,
    sum_3     bigint NOT NULL,
    expected  bigint NOT NULL CHECK (expected >= 0),
    series_id int NOT NULL,
    revision  int NOT NULL CHECK (revision >= 0),
    PRIMARY KEY (series_id, start)
) WITH (fillfactor = 70);
COMMENT ON TABLE window_hour IS 'Figures of one series over one hour of the city''s clock.';
COMMENT ON COLUMN window_hour.start IS 'Start of the hour, included.';
COMMENT ON COLUMN window_hour.count IS 'Observations inside.';
COMMENT ON COLUMN window_hour.low IS 'Least tick; 0 where count is 0.';
COMMENT ON COLUMN window_hour.high IS 'Greatest tick; 0 where count is 0.';
COMMENT ON COLUMN window_hour.sum_0 IS 'First exact sum: ticks (gauge), increase in ticks (counter), energies (level), cosines (angle), microseconds in state 0, or weights (event).';
COMMENT ON COLUMN window_hour.sum_1 IS 'Second exact sum: sines (angle) or microseconds in state 1; else 0.';
COMMENT ON COLUMN window_hour.sum_2 IS 'Microseconds in state 2; else 0.';
COMMENT ON COLUMN window_hour.sum_3 IS 'Microseconds in state 3; else 0.';
COMMENT ON COLUMN window_hour.expected IS 'Observations that the reporting interval promises.';
COMMENT ON COLUMN window_hour.series_id IS 'See series.';
COMMENT ON COLUMN window_hour.revision IS '0 while open, 1 when closed, one more for every later change of a closed one.';

-- 67 million rows a chunk at 100,000 series.
DO $$
BEGIN
    PERFORM create_hypertable('window_hour', 'start', chunk_time_interval => INTERVAL '28 days', create_default_indexes => false);
END
$$;

CREATE TABLE window_day (
    start     timestamptz NOT NULL,
    count     bigint NOT NULL CHECK (count >= 0),
    low       bigint NOT NULL,
    high      bigint NOT NULL,
    sum_0     bigint NOT NULL,
    sum_1     bigint NOT NULL,
    sum_2     bigint NOT NULL,
    sum_3     bigint NOT NULL,
    expected  bigint NOT NULL CHECK (expected >= 0),
    series_id int NOT NULL,
    revision  int NOT NULL CHECK (revision >= 0),
    PRIMARY KEY (series_id, start)
) WITH (fillfactor = 70);
COMMENT ON TABLE window_day IS 'Figures of one series over one civil day of the city.';
COMMENT ON COLUMN window_day.start IS 'Start of the civil day, included; days have 23 to 25 hours.';
COMMENT ON COLUMN window_day.count IS 'Observations inside.';
COMMENT ON COLUMN window_day.low IS 'Least tick; 0 where count is 0.';
COMMENT ON COLUMN window_day.high IS 'Greatest tick; 0 where count is 0.';
COMMENT ON COLUMN window_day.sum_0 IS 'First exact sum: ticks (gauge), increase in ticks (counter), energies (level), cosines (angle), microseconds in state 0, or weights (event).';
COMMENT ON COLUMN window_day.sum_1 IS 'Second exact sum: sines (angle) or microseconds in state 1; else 0.';
COMMENT ON COLUMN window_day.sum_2 IS 'Microseconds in state 2; else 0.';
COMMENT ON COLUMN window_day.sum_3 IS 'Microseconds in state 3; else 0.';
COMMENT ON COLUMN window_day.expected IS 'Observations that the reporting interval promises.';
COMMENT ON COLUMN window_day.series_id IS 'See series.';
COMMENT ON COLUMN window_day.revision IS '0 while open, 1 when closed, one more for every later change of a closed one.';

-- 36 million rows a chunk at 100,000 series.
DO $$
BEGIN
    PERFORM create_hypertable('window_day', 'start', chunk_time_interval => INTERVAL '364 days', create_default_indexes => false);
END
$$;
