-- Old commits become one row a day. In one statement, so that nobody ever sees them twice or not at all. The newest stays:
-- a restart takes up its number. Numbers rise with time, so the oldest rows are found without looking at the others.
WITH gone AS (
    DELETE FROM ledger
    WHERE commit_id IN (SELECT commit_id FROM ledger WHERE partition = %(partition)s ORDER BY commit_id LIMIT %(rows)s)
      AND commit_id < (SELECT max(commit_id) FROM ledger WHERE partition = %(partition)s)
      AND committed_at < %(before)s
    RETURNING *
), days AS (
    SELECT (committed_at AT TIME ZONE 'UTC')::date AS day, partition, client, count(*) AS commits, sum(messages) AS messages,
           sum(received) AS received, sum(accepted) AS accepted, sum(duplicate) AS duplicate, sum(quarantined) AS quarantined,
           sum(restated) AS restated, sum(looked_up) AS looked_up, sum(trimmed) AS trimmed, sum(replayed) AS replayed
    FROM gone
    GROUP BY 1, 2, 3
), folded AS (
    INSERT INTO ledger_day AS old (
        day, partition, client, commits, messages, received, accepted, duplicate, quarantined, restated, looked_up, trimmed,
        replayed
    )
    SELECT day, partition, client, commits, messages, received, accepted, duplicate, quarantined, restated, looked_up, trimmed,
        replayed
    FROM days
    ON CONFLICT (day, partition, client) DO UPDATE
    SET commits = old.commits + excluded.commits, messages = old.messages + excluded.messages,
        received = old.received + excluded.received, accepted = old.accepted + excluded.accepted,
        duplicate = old.duplicate + excluded.duplicate, quarantined = old.quarantined + excluded.quarantined,
        restated = old.restated + excluded.restated, looked_up = old.looked_up + excluded.looked_up,
        trimmed = old.trimmed + excluded.trimmed, replayed = old.replayed + excluded.replayed
)
SELECT count(*) FROM gone
