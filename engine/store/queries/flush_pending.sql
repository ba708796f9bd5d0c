DELETE FROM pending_restatement WHERE partition = %(partition)s AND commit_id <= %(through)s
