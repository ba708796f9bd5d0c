SELECT o.series_id
FROM stage_series s
JOIN stage_device p ON p.position = s.device_position
JOIN device d ON d.code = p.code
JOIN series o ON o.device_id = d.device_id AND o.field = s.field AND o.measurand_id = s.measurand_id
ORDER BY s.slot
