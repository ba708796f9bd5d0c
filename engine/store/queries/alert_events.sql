SELECT event_id, alert_id, at, event, who, severity, members, value, detail
FROM alert_event
WHERE alert_id = %(alert_id)s AND event_id > %(after)s
ORDER BY event_id
LIMIT %(limit)s
