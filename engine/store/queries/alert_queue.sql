INSERT INTO alert_outbox (alert_id, channel, body, made_at, due_at)
VALUES (%(alert_id)s, %(channel)s, %(body)s, %(now)s, %(now)s)
