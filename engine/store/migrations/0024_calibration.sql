-- By what readings of a device were corrected, and until when.

CREATE TABLE calibration (
    series_id   int NOT NULL REFERENCES series,
    valid_from  timestamptz NOT NULL,
    gain        numeric NOT NULL CHECK (gain > 0),
    shift       numeric NOT NULL,
    certificate text NOT NULL,
    source      text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (series_id, valid_from)
);
COMMENT ON TABLE calibration IS 'Lines by which readings were corrected before they were stored: calibrated = reading * gain + shift. One that observations lie under never changes.';
COMMENT ON COLUMN calibration.series_id IS 'See series.';
COMMENT ON COLUMN calibration.valid_from IS 'It corrects phenomenon times from here on, until the next one of the series.';
COMMENT ON COLUMN calibration.gain IS 'Factor, exact.';
COMMENT ON COLUMN calibration.shift IS 'Offset in the unit of the measurand, exact.';
COMMENT ON COLUMN calibration.certificate IS 'Reference of the certificate.';
COMMENT ON COLUMN calibration.source IS 'Who stated it.';
COMMENT ON COLUMN calibration.recorded_at IS 'When a gateway took it up first.';

CREATE VIEW v_calibration AS
SELECT d.code AS device, s.field, m.code AS measurand, c.valid_from,
       lead(c.valid_from) OVER (PARTITION BY c.series_id ORDER BY c.valid_from) AS valid_to,
       c.gain, c.shift AS "offset", m.unit, c.certificate, c.source, c.recorded_at
FROM calibration c
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id);
COMMENT ON VIEW v_calibration IS 'Calibrations with the time from which (included) and to which (excluded) each corrects readings.';
