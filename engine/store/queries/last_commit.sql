SELECT coalesce(max(commit_id), 0) FROM ledger WHERE partition = %(partition)s
