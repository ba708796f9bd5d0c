-- Whoever follows the alerts (LISTEN) hears of each change when it is committed.
NOTIFY cityvitals_alerts
