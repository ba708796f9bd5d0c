CREATE TEMPORARY TABLE IF NOT EXISTS stage_key (
    start timestamptz NOT NULL,
    series_id int NOT NULL
) ON COMMIT DELETE ROWS
