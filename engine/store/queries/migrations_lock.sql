-- 'city', and a key that no partition has. Goes with the session.
SELECT pg_advisory_lock(1667855481, -1)
