INSERT INTO device (code, model_id, title, zone, gateway, topic, latitude, longitude, in_service_from, in_service_to)
SELECT s.code, m.model_id, s.title, s.zone, s.gateway, s.topic, s.latitude, s.longitude, s.in_service_from, s.in_service_to
FROM stage_device s
JOIN device_model m ON m.code = s.model
WHERE NOT EXISTS (SELECT FROM device d WHERE d.code = s.code)
ORDER BY s.position
