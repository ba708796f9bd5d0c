-- Rows whose messages are taken up again leave the quarantine; those that left already are not counted twice.
WITH gone AS (
    DELETE FROM quarantine WHERE quarantine_id = ANY(%(ids)s) RETURNING readings
)
SELECT count(*), coalesce(sum(readings), 0)::bigint FROM gone
