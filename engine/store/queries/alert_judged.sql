-- What a look has to know and may change: the alerts that stand, and those that are gone and still shelved.
SELECT alert_id
FROM alert
WHERE cleared_at IS NULL OR shelved_until > %(now)s
ORDER BY alert_id
FOR UPDATE
