-- Whoever writes figures of KPIs reads and writes under this lock, so that an older look never replaces a newer one.
SELECT pg_advisory_xact_lock(%(class)s::int, -1)
