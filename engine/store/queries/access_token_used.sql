UPDATE access_token SET last_used_at = %(at)s
WHERE token_id = %(token_id)s AND (last_used_at IS NULL OR last_used_at < %(at)s)
