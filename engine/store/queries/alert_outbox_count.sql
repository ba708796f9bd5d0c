SELECT count(*), min(made_at) FROM alert_outbox
