CREATE TEMPORARY TABLE IF NOT EXISTS stage_event (
    series_id int NOT NULL,
    time timestamptz NOT NULL,
    kind text NOT NULL,
    before_ticks bigint NOT NULL,
    after_ticks bigint NOT NULL
) ON COMMIT DELETE ROWS
