CREATE TEMPORARY TABLE IF NOT EXISTS stage_device (
    position int PRIMARY KEY,
    code text NOT NULL UNIQUE,
    model text NOT NULL,
    title text NOT NULL,
    zone text NOT NULL,
    gateway text NOT NULL,
    topic text NOT NULL,
    latitude numeric,
    longitude numeric,
    in_service_from timestamptz,
    in_service_to timestamptz
) ON COMMIT DELETE ROWS
