SELECT pg_try_advisory_lock(%(class)s::int, %(key)s::int)
