-- The newest observation of each series, so that nobody has to look for it in the log.

CREATE TABLE newest_part (
    part_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition   int NOT NULL,
    series_from int NOT NULL,
    series_to   int NOT NULL CHECK (series_from <= series_to),
    packed      bytea NOT NULL
);
-- Kept as it is: numbers that change with every commit are not worth compressing.
ALTER TABLE newest_part ALTER COLUMN packed SET STORAGE EXTERNAL;
COMMENT ON TABLE newest_part IS 'Newest observations of series, for programs. Every commit adds what it brought; parts are folded from time to time. A series may be in several parts: its latest reading counts.';
COMMENT ON COLUMN newest_part.part_id IS 'Key.';
COMMENT ON COLUMN newest_part.partition IS 'Whose gateway wrote it, and folds it.';
COMMENT ON COLUMN newest_part.series_from IS 'Least series in it.';
COMMENT ON COLUMN newest_part.series_to IS 'Greatest series in it.';
COMMENT ON COLUMN newest_part.packed IS 'Readings of 20 bytes, most significant first: series_id (int4), time (int8, microseconds since 2000-01-01 UTC), ticks (int8).';

INSERT INTO newest_part (partition, series_from, series_to, packed)
SELECT 0, min(s.series_id), max(s.series_id),
       string_agg(int4send(s.series_id) || timestamptz_send(o.time) || int8send(o.ticks), ''::bytea ORDER BY s.series_id)
FROM series s
CROSS JOIN LATERAL (
    SELECT time, ticks
    FROM observation
    WHERE series_id = s.series_id
    ORDER BY time DESC
    LIMIT 1
) o
WHERE s.seen
GROUP BY s.series_id / 4096;
