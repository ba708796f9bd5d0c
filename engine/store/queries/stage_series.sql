CREATE TEMPORARY TABLE IF NOT EXISTS stage_series (
    slot int PRIMARY KEY,
    device_position int NOT NULL,
    field text NOT NULL,
    measurand_id int NOT NULL,
    interval_us bigint NOT NULL
) ON COMMIT DELETE ROWS
