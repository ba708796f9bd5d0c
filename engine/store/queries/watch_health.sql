-- What is not known comes as the lowest number there is, for a time as the earliest that the database can hold, or 0 for an
-- interval.
INSERT INTO device_health AS old (device_id, state, last_heard_at, last_reading_at, counted_us, interval_us, jitter_us, clock_offset_us, clock)
SELECT device_id, (ARRAY['never', 'ok', 'late', 'silent', 'not in service'])[state + 1],
       nullif(last_heard_at, '4714-11-24 00:00:00+00 BC'), nullif(last_reading_at, '4714-11-24 00:00:00+00 BC'), counted_us,
       nullif(interval_us, 0), CASE WHEN interval_us > 0 THEN jitter_us END, CASE WHEN clock > 0 THEN clock_offset_us END,
       (ARRAY['ok', 'fast', 'slow'])[clock]
FROM :rows_health
ON CONFLICT (device_id) DO UPDATE
SET state = excluded.state, last_heard_at = excluded.last_heard_at, last_reading_at = excluded.last_reading_at,
    counted_us = excluded.counted_us, interval_us = excluded.interval_us, jitter_us = excluded.jitter_us,
    clock_offset_us = excluded.clock_offset_us, clock = excluded.clock
