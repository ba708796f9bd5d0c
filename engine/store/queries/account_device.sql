-- In the order of the codes, so that two gateways of different partitions never wait for each other crosswise.
INSERT INTO device_account AS old (device, duplicate, quarantined)
SELECT device, duplicate, quarantined
FROM unnest(%(devices)s::text[], %(duplicates)s::bigint[], %(quarantined)s::bigint[]) AS t (device, duplicate, quarantined)
ORDER BY device
ON CONFLICT (device) DO UPDATE
SET duplicate = old.duplicate + excluded.duplicate, quarantined = old.quarantined + excluded.quarantined
