CREATE TEMPORARY TABLE IF NOT EXISTS stage_observation (
    time timestamptz NOT NULL,
    ticks bigint NOT NULL,
    series_id int NOT NULL,
    key int NOT NULL,
    flags smallint NOT NULL
) ON COMMIT DELETE ROWS
