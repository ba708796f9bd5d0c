-- What the last run left open and this one will not find again: absences of a process that is gone, devices and gateways
-- that left the list.
UPDATE silence s
SET ended_at = greatest(s.started_at, CASE WHEN s.kind = 'system' THEN l.heard_to ELSE %(now)s END),
    detail = CASE WHEN s.kind = 'system' THEN s.detail ELSE 'left the list' END
FROM (SELECT max(heard_to) AS heard_to FROM listening WHERE partition = %(partition)s) l
WHERE s.ended_at IS NULL AND s.partition = %(partition)s
    AND (s.kind = 'system'
        OR s.kind = 'device' AND NOT EXISTS (SELECT FROM device d WHERE d.code = s.who AND d.listed)
        OR s.kind = 'gateway' AND NOT EXISTS (SELECT FROM device d WHERE d.gateway = s.who AND d.listed))
