-- In the order of the slots, so that neighbours in the gateway are neighbours in the table.
INSERT INTO series (device_id, field, measurand_id, interval_us)
SELECT d.device_id, s.field, s.measurand_id, s.interval_us
FROM stage_series s
JOIN stage_device p ON p.position = s.device_position
JOIN device d ON d.code = p.code
WHERE NOT EXISTS (
    SELECT FROM series o WHERE o.device_id = d.device_id AND o.field = s.field AND o.measurand_id = s.measurand_id
)
ORDER BY s.slot
