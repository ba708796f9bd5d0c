COPY stage_silence (position, kind, who, started_at, ended_at, last_reading_at, interval_us, allowed_us, devices, detail, absorbed) FROM STDIN (FORMAT binary)
