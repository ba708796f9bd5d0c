SELECT kind, who, started_at FROM silence WHERE ended_at IS NULL AND partition = %(partition)s AND kind <> 'system'
