SELECT device, received, accepted, duplicate, quarantined
FROM v_ledger_device
WHERE received > 0
ORDER BY device COLLATE "C"
