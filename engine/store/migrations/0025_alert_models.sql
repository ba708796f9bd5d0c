-- Alerts that concern a device model: what a firmware changes, it changes on every device of it.

ALTER TABLE alert
    DROP CONSTRAINT alert_scope_kind_check,
    ADD CONSTRAINT alert_scope_kind_check CHECK (scope_kind IN ('city', 'zone', 'station', 'gateway', 'model'));
COMMENT ON COLUMN alert.scope_kind IS 'Whom it concerns: city, zone, station (one device), gateway, or model (devices of it, or one of its fields).';
COMMENT ON COLUMN alert.scope IS 'Code of the zone, device, gateway or model, of a field as model/field; empty for the city.';
COMMENT ON COLUMN alert.kind IS 'Kind of the rule: threshold, rate, forecast, missing, coverage, kpi_band, silent_device, silent_gateway, not_listening or drift.';
