-- One registration at a time. 'city', and a key that no partition has; until the end of the transaction.
SELECT pg_advisory_xact_lock(1667855481, -2)
