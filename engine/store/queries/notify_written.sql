-- Whoever follows the figures (LISTEN) hears of each writing when it is committed, and need not look again and again.
NOTIFY cityvitals_written
