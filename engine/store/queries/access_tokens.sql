SELECT token_id, digest, name, role, created_at, expires_at, revoked_at, last_used_at
FROM access_token
WHERE NOT %(valid)s OR (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))
ORDER BY created_at DESC, token_id
LIMIT %(limit)s
