-- Series that a device should go on sending. An event comes when it happens, so nobody misses it.
SELECT s.series_id, d.code, s.field, s.interval_us
FROM series s
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
WHERE s.listed AND s.seen AND d.listed AND m.kind <> 'event'
ORDER BY s.series_id
