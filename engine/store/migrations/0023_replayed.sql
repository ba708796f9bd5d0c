-- Messages taken up again from the quarantine, after a model was corrected or a device registered.

ALTER TABLE ledger ADD COLUMN replayed bigint NOT NULL DEFAULT 0 CHECK (replayed >= 0);
COMMENT ON COLUMN ledger.replayed IS 'Readings of quarantine rows that left because their messages were taken up again here; they were received once before.';

ALTER TABLE ledger_day ADD COLUMN replayed bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ledger_day.replayed IS 'Sum of ledger.replayed.';

CREATE OR REPLACE VIEW v_ledger AS
SELECT l.commit_id, l.commit_key, l.committed_at, l.client, l.partition,
       l.messages, l.received, l.accepted, l.duplicate, l.quarantined, l.restated, l.looked_up, l.trimmed,
       f.received + sum(l.received) OVER w AS received_total,
       f.accepted + sum(l.accepted) OVER w AS accepted_total,
       f.duplicate + sum(l.duplicate) OVER w AS duplicate_total,
       f.quarantined + sum(l.quarantined) OVER w AS quarantined_total,
       f.received - f.accepted - f.duplicate - f.quarantined
           + sum(l.received - l.accepted - l.duplicate - l.quarantined) OVER w AS balance,
       l.replayed,
       f.replayed + sum(l.replayed) OVER w AS replayed_total
FROM ledger l
CROSS JOIN (
    SELECT coalesce(sum(received), 0) AS received, coalesce(sum(accepted), 0) AS accepted,
           coalesce(sum(duplicate), 0) AS duplicate, coalesce(sum(quarantined), 0) AS quarantined,
           coalesce(sum(replayed), 0) AS replayed
    FROM ledger_day
) f
WINDOW w AS (ORDER BY l.commit_id);
