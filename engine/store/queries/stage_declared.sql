CREATE TEMPORARY TABLE IF NOT EXISTS stage_declared (
    key text NOT NULL,
    kind text NOT NULL,
    "year" int NOT NULL,
    value numeric,
    unit text NOT NULL,
    ratio text,
    numerator text,
    denominator text,
    quality text NOT NULL,
    origin text NOT NULL,
    source text NOT NULL,
    note text NOT NULL
) ON COMMIT DELETE ROWS
