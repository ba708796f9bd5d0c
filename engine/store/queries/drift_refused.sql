-- What a device sends and its model cannot read, with the newest message of each kind as an example.
SELECT device, reason, sum(readings)::bigint, min(received_at), max(received_at), max(quarantine_id)
FROM quarantine
WHERE device <> '' AND reason = ANY(%(reasons)s::text[]) AND received_at >= %(since)s
GROUP BY device, reason
ORDER BY device COLLATE "C", reason COLLATE "C"
