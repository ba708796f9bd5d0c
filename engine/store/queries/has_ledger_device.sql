SELECT to_regclass('cityvitals.v_ledger_device') IS NOT NULL
