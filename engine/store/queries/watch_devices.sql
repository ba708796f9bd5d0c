SELECT d.code, d.device_id, h.last_heard_at, h.last_reading_at, h.counted_us, h.interval_us, h.jitter_us, h.clock_offset_us,
       array_position(ARRAY['never', 'ok', 'late', 'silent', 'not in service'], h.state) - 1
FROM device d
LEFT JOIN device_health h USING (device_id)
WHERE d.listed
