SELECT severity, count(*)
FROM alert
WHERE cleared_at IS NULL AND coalesce(shelved_until <= %(now)s, true)
GROUP BY severity
