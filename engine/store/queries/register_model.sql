WITH changed AS (
    UPDATE device_model SET title = %(title)s, codec = %(codec)s WHERE code = %(code)s RETURNING 1
)
INSERT INTO device_model (code, title, codec)
SELECT %(code)s, %(title)s, %(codec)s
WHERE NOT EXISTS (SELECT FROM changed)
