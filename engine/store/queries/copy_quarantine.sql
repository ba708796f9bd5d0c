COPY quarantine (commit_id, received_at, reason, topic, device, detail, readings, payload_bytes, payload) FROM STDIN (FORMAT binary)
