SELECT device, model, title, zone, gateway, state, last_heard_at, last_reading_at, interval_s, learned_interval_s, jitter_s,
       silent_since, coalesce(silence, ''), clock_offset_s, coalesce(clock, '')
FROM v_health
ORDER BY array_position(ARRAY['silent', 'late', 'never', 'ok', 'not in service'], state), coalesce(clock, 'ok') = 'ok',
         silent_since, last_heard_at, device
