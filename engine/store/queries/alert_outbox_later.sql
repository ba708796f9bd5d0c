UPDATE alert_outbox
SET attempts = attempts + 1, due_at = %(due)s, last_error = %(error)s
WHERE outbox_id = %(outbox_id)s
