INSERT INTO access_token (token_id, digest, name, role, created_at, expires_at)
VALUES (%(token_id)s, %(digest)s, %(name)s, %(role)s, %(created)s, %(expires)s)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
