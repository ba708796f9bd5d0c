SELECT kind, who, started_at, ended_at, last_reading_at, interval_s, allowed_s, devices, noticed_at, detail
FROM v_silence
WHERE kind = %(kind)s AND who = %(who)s
ORDER BY ended_at IS NOT NULL, started_at DESC
LIMIT %(limit)s
