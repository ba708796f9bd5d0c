-- The newest rows of a trail, the oldest of them first.
SELECT *
FROM (
    SELECT event_id, alert_id, at, event, who, severity, members, value, detail
    FROM alert_event
    WHERE alert_id = %(alert_id)s
    ORDER BY event_id DESC
    LIMIT %(limit)s
) newest
ORDER BY event_id
