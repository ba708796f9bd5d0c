INSERT INTO alert_event (alert_id, at, event, who, severity, members, value, detail)
SELECT a.alert_id, %(at)s, %(event)s, %(who)s, a.severity, a.members, a.value, %(detail)s
FROM alert a
WHERE a.alert_id = %(alert_id)s
