DELETE FROM alert_outbox WHERE outbox_id = %(outbox_id)s
