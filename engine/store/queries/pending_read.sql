SELECT string_agg(int8send(commit_id) || int4send(series_id) || timestamptz_send(hour), ''::bytea ORDER BY commit_id, series_id, hour)
FROM pending_restatement
WHERE partition = %(partition)s
