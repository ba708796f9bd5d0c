-- End a former session of our own whose connection is gone, and wait until it is.
SELECT pg_terminate_backend(%(pid)s::int, %(wait_ms)s::bigint)
