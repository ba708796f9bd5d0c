CREATE TEMPORARY TABLE IF NOT EXISTS stage_silence (
    position int NOT NULL,
    kind text NOT NULL,
    who text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    last_reading_at timestamptz,
    interval_us bigint,
    allowed_us bigint,
    devices int NOT NULL,
    detail text NOT NULL,
    absorbed boolean NOT NULL
) ON COMMIT DELETE ROWS
