CREATE TEMPORARY TABLE IF NOT EXISTS stage_value (
    start timestamptz NOT NULL,
    ticks bigint NOT NULL,
    received bigint NOT NULL,
    expected bigint NOT NULL,
    indicator_id int NOT NULL,
    scope_id int NOT NULL,
    driver int NOT NULL,
    revision int NOT NULL,
    band smallint NOT NULL
) ON COMMIT DELETE ROWS
