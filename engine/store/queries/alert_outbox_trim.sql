-- Beyond the limit the oldest are given up, and their alerts' trails say so.
WITH gone AS (
    DELETE FROM alert_outbox
    WHERE outbox_id IN (SELECT outbox_id FROM alert_outbox ORDER BY outbox_id DESC OFFSET %(rows_max)s)
    RETURNING outbox_id, alert_id, channel
)
INSERT INTO alert_event (alert_id, at, event, who, severity, members, value, detail)
SELECT a.alert_id, %(now)s, 'undelivered', g.channel, a.severity, a.members, a.value, %(detail)s
FROM gone g
JOIN alert a USING (alert_id)
ORDER BY g.outbox_id
