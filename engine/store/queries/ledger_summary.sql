SELECT coalesce(sum(commits), 0), coalesce(sum(messages), 0), coalesce(sum(received), 0), coalesce(sum(accepted), 0),
       coalesce(sum(duplicate), 0), coalesce(sum(quarantined), 0), coalesce(sum(restated), 0), coalesce(sum(looked_up), 0),
       coalesce(sum(trimmed), 0), coalesce(sum(replayed), 0), max(last)
FROM (
    SELECT count(*) AS commits, sum(messages) AS messages, sum(received) AS received, sum(accepted) AS accepted,
           sum(duplicate) AS duplicate, sum(quarantined) AS quarantined, sum(restated) AS restated, sum(looked_up) AS looked_up,
           sum(trimmed) AS trimmed, sum(replayed) AS replayed, max(committed_at) AS last
    FROM ledger
    UNION ALL
    SELECT sum(commits), sum(messages), sum(received), sum(accepted), sum(duplicate), sum(quarantined), sum(restated),
           sum(looked_up), sum(trimmed), sum(replayed), max(day)::timestamptz
    FROM ledger_day
) parts
