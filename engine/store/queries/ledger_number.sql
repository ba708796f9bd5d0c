SELECT nextval(pg_get_serial_sequence('cityvitals.ledger', 'commit_id'))
