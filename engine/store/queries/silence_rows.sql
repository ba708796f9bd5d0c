SELECT kind, who, started_at, ended_at, last_reading_at, interval_s, allowed_s, devices, noticed_at, detail
FROM v_silence
WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (ended_at IS NULL OR NOT %(lasting)s::boolean)
ORDER BY ended_at IS NOT NULL, started_at DESC, kind, who
LIMIT %(limit)s
