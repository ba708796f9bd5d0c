CREATE TEMPORARY TABLE IF NOT EXISTS stage_span (
    low timestamptz NOT NULL,
    high timestamptz NOT NULL,
    series_id int NOT NULL,
    slot int NOT NULL
) ON COMMIT DELETE ROWS
