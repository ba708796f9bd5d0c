SELECT key FROM access_key
