COPY pending_restatement (hour, commit_id, series_id, partition) FROM STDIN (FORMAT binary)
