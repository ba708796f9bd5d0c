UPDATE device d SET listed = false
WHERE listed AND NOT EXISTS (SELECT FROM stage_device s WHERE s.code = d.code)
