UPDATE access_token SET revoked_at = clock_timestamp()
WHERE revoked_at IS NULL AND (name = %(which)s OR token_id = %(which)s)
RETURNING token_id, name, role
