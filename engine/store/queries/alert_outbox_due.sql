-- The oldest message of each channel and alert, if its time has come: none overtakes another about the same alert.
SELECT outbox_id, alert_id, channel, body, attempts, made_at
FROM (
    SELECT DISTINCT ON (channel, alert_id) outbox_id, alert_id, channel, body, attempts, made_at, due_at
    FROM alert_outbox
    WHERE channel <> ALL(%(without)s::text[])
    ORDER BY channel, alert_id, outbox_id
) first
WHERE due_at <= %(now)s
ORDER BY due_at, outbox_id
LIMIT %(limit)s
