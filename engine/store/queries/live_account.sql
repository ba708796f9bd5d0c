-- The account of the commits after one. Commits are few seconds apart: this reads few rows.
SELECT max(commit_id), coalesce(sum(received), 0), coalesce(sum(accepted), 0), coalesce(sum(duplicate), 0),
       coalesce(sum(quarantined), 0), coalesce(sum(replayed), 0)
FROM ledger
WHERE commit_id > %(after)s
