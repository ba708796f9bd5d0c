SELECT d.code, m.code, d.zone, d.gateway, d.title, d.listed, count(s.series_id), coalesce(sum(w.count), 0)::bigint
FROM device d
JOIN device_model m USING (model_id)
LEFT JOIN series s USING (device_id)
LEFT JOIN (SELECT series_id, sum(count) AS count FROM window_day GROUP BY series_id) w USING (series_id)
GROUP BY d.code, m.code, d.zone, d.gateway, d.title, d.listed
ORDER BY d.code
