-- Listed devices by code, with how it stands with each. A device that is silent with its gateway counts apart.
SELECT device, model, title, zone, gateway, latitude, longitude, standing, last_heard_at, last_reading_at, interval_s,
       learned_interval_s, jitter_s, silent_since, clock_offset_s, clock
FROM (
    SELECT h.*, d.latitude, d.longitude,
           CASE WHEN h.state = 'silent' AND h.silence = 'gateway' THEN 'gateway_silent' ELSE replace(h.state, ' ', '_') END AS standing
    FROM v_health h
    JOIN device d ON d.code = h.device
) v
WHERE (%(device)s::text IS NULL OR device = %(device)s)
  AND (%(zone)s::text IS NULL OR zone = %(zone)s)
  AND (%(model)s::text IS NULL OR model = %(model)s)
  AND (%(state)s::text IS NULL OR standing = %(state)s)
  AND (%(words)s::text IS NULL OR strpos(lower(device), lower(%(words)s)) > 0 OR strpos(lower(title), lower(%(words)s)) > 0)
  AND device COLLATE "C" > %(after)s
ORDER BY device COLLATE "C"
LIMIT %(limit)s
