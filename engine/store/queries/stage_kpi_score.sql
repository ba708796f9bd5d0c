CREATE TEMPORARY TABLE IF NOT EXISTS stage_kpi_score (
    data_point text NOT NULL,
    horizon text NOT NULL,
    "year" int NOT NULL,
    scope_id int NOT NULL,
    figure text,
    band int,
    percent numeric,
    percent_ratio text,
    target text,
    rule text,
    worst text,
    target_from date,
    official boolean,
    source text,
    why_not text NOT NULL,
    revision int NOT NULL,
    declared boolean NOT NULL
) ON COMMIT DELETE ROWS
