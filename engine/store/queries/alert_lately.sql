-- Alerts that stand, and those that were cleared lately: what a page has to be told of.
SELECT alert_id
FROM alert
WHERE cleared_at IS NULL OR cleared_at >= %(since)s
ORDER BY alert_id DESC
LIMIT %(limit)s
