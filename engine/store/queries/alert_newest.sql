-- The newest alert of each rule and scope, of those that stand or were cleared lately.
SELECT alert_id
FROM (
    SELECT DISTINCT ON (rule, scope_kind, scope) alert_id
    FROM alert
    WHERE cleared_at IS NULL OR cleared_at >= %(since)s
    ORDER BY rule, scope_kind, scope, alert_id DESC
) newest
ORDER BY alert_id DESC
LIMIT %(limit)s
