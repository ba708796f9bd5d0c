SELECT commit_id FROM ledger WHERE commit_key = %(key)s
