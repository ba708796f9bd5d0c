-- Old alerts leave with their trail, some at a time.
DELETE FROM alert
WHERE alert_id IN (
    SELECT alert_id
    FROM alert
    WHERE cleared_at < %(before)s AND coalesce(shelved_until < %(before)s, true)
    ORDER BY cleared_at
    LIMIT %(limit)s
)
