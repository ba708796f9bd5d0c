SELECT audit_id, at, who, roles, how, origin, action, result, detail
FROM audit
WHERE audit_id < %(before)s
ORDER BY audit_id DESC
LIMIT %(limit)s
