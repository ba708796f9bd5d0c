SELECT s.series_id, d.code FROM series s JOIN device d USING (device_id) ORDER BY s.series_id
