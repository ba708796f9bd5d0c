SELECT coalesce(max(quarantine_id), 0) FROM quarantine
