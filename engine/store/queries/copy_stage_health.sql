COPY stage_health (last_heard_at, last_reading_at, counted_us, interval_us, jitter_us, clock_offset_us, device_id, state, clock) FROM STDIN (FORMAT binary)
