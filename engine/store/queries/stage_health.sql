CREATE TEMPORARY TABLE IF NOT EXISTS stage_health (
    last_heard_at timestamptz NOT NULL,
    last_reading_at timestamptz NOT NULL,
    counted_us bigint NOT NULL,
    interval_us bigint NOT NULL,
    jitter_us bigint NOT NULL,
    clock_offset_us bigint NOT NULL,
    device_id int NOT NULL,
    state smallint NOT NULL,
    clock smallint NOT NULL
) ON COMMIT DELETE ROWS
