SELECT quarantine_id, received_at, reason, topic, device, detail, readings, payload_bytes, payload, commit_id
FROM quarantine
WHERE quarantine_id = %(id)s
