INSERT INTO ledger (commit_id, commit_key, messages, received, accepted, duplicate, quarantined, restated, looked_up, trimmed, replayed, partition, client)
VALUES (%(commit_id)s, %(key)s, %(messages)s, %(received)s, %(accepted)s, %(duplicate)s, %(quarantined)s, %(restated)s, %(looked_up)s, %(trimmed)s,
        %(replayed)s, %(partition)s, %(client)s)
