-- The log: every accepted observation, once. All else is derived from it.

-- Wide columns first: 8 bytes a row are saved against the order a person would choose.
CREATE TABLE observation (
    time      timestamptz NOT NULL,
    ticks     bigint NOT NULL,
    series_id int NOT NULL,
    flags     smallint NOT NULL
);
-- No foreign key on series_id: it would cost a look-up for every row copied. The gateway owns the ids it writes.
COMMENT ON TABLE observation IS 'Every accepted observation, once per series and time; never changed.';
COMMENT ON COLUMN observation.time IS 'Phenomenon time.';
COMMENT ON COLUMN observation.ticks IS 'Value as a count of the measurand''s resolution.';
COMMENT ON COLUMN observation.series_id IS 'See series.';
COMMENT ON COLUMN observation.flags IS 'Sum of flags; 1: the message carried no time, that of its arrival stands in.';

-- Seven days a chunk. At 100,000 series reporting every five minutes that is 200 million rows, whose live index still
-- fits into memory; in a small city it is a few megabytes, and ten years of backfill open 520 chunks, not 3,650.
-- Above 50 million observations a day, shorten it: SELECT set_chunk_time_interval('cityvitals.observation', INTERVAL '1 day')
DO $$
BEGIN
    PERFORM create_hypertable('observation', 'time', chunk_time_interval => INTERVAL '7 days', create_default_indexes => false);
END
$$;

CREATE UNIQUE INDEX observation_once ON observation (series_id, time);
