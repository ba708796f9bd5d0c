UPDATE series o SET listed = false
WHERE listed AND NOT EXISTS (
    SELECT
    FROM stage_series s
    JOIN stage_device p ON p.position = s.device_position
    JOIN device d ON d.code = p.code
    WHERE o.device_id = d.device_id AND o.field = s.field AND o.measurand_id = s.measurand_id
)
