UPDATE device d
SET model_id = m.model_id, title = s.title, zone = s.zone, gateway = s.gateway, topic = s.topic, latitude = s.latitude,
    longitude = s.longitude, in_service_from = s.in_service_from, in_service_to = s.in_service_to, listed = true
FROM stage_device s
JOIN device_model m ON m.code = s.model
WHERE d.code = s.code
  AND (d.model_id, d.title, d.zone, d.gateway, d.topic, d.latitude, d.longitude, d.in_service_from, d.in_service_to, d.listed)
      IS DISTINCT FROM
      (m.model_id, s.title, s.zone, s.gateway, s.topic, s.latitude::numeric(9, 6), s.longitude::numeric(9, 6),
       s.in_service_from, s.in_service_to, true)
