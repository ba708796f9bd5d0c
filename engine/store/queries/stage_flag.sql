CREATE TEMPORARY TABLE IF NOT EXISTS stage_flag (
    time timestamptz NOT NULL,
    series_id int NOT NULL,
    rule smallint NOT NULL,
    excluded smallint NOT NULL
) ON COMMIT DELETE ROWS
