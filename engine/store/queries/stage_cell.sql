CREATE TEMPORARY TABLE IF NOT EXISTS stage_cell (
    start timestamptz NOT NULL,
    count bigint NOT NULL,
    low bigint NOT NULL,
    high bigint NOT NULL,
    sum_0 bigint NOT NULL,
    sum_1 bigint NOT NULL,
    sum_2 bigint NOT NULL,
    sum_3 bigint NOT NULL,
    expected bigint NOT NULL,
    series_id int NOT NULL,
    revision int NOT NULL
) ON COMMIT DELETE ROWS
