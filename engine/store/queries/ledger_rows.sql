SELECT commit_id, committed_at, client, partition, messages, received, accepted, duplicate, quarantined, restated, looked_up, trimmed, replayed
FROM ledger
ORDER BY commit_id DESC
LIMIT %(limit)s
