-- What became of each device's readings, so that the account balances for every single device and not only in sum.

-- Only what was not accepted is counted here, in the transaction that settles it: accepted readings are counted by the
-- day windows already, and a row per device and commit would cost as much as the observations themselves.
CREATE TABLE device_account (
    device      text PRIMARY KEY,
    duplicate   bigint NOT NULL CHECK (duplicate >= 0),
    quarantined bigint NOT NULL CHECK (quarantined >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE device_account IS 'Readings of each device that did not become observations, counted since ever; at most one row per device.';
COMMENT ON COLUMN device_account.device IS 'Code of the device; empty for messages of no registered device.';
COMMENT ON COLUMN device_account.duplicate IS 'Readings already stored with the same value.';
COMMENT ON COLUMN device_account.quarantined IS 'Readings put into quarantine, conflicts included, whether or not their rows are still there.';

CREATE VIEW v_ledger_device AS
SELECT device,
       coalesce(a.accepted, 0) + coalesce(e.duplicate, 0) + coalesce(e.quarantined, 0) AS received,
       coalesce(a.accepted, 0) AS accepted,
       coalesce(e.duplicate, 0) AS duplicate,
       coalesce(e.quarantined, 0) AS quarantined
FROM (
    SELECT d.code AS device, sum(w.count)::bigint AS accepted
    FROM device d
    JOIN series s USING (device_id)
    JOIN window_day w USING (series_id)
    GROUP BY d.code
) a
FULL JOIN device_account e USING (device);
COMMENT ON VIEW v_ledger_device IS 'The account per device: readings received, and what became of them. Accepted ones are those counted by the day windows, so the sum over all devices equals the ledger once the engine has caught up.';
