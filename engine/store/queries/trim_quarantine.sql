-- Ids only rise, so this keeps at most that many rows, and finds the others by the key.
DELETE FROM quarantine WHERE quarantine_id <= (SELECT max(quarantine_id) FROM quarantine) - %(rows_max)s::bigint
