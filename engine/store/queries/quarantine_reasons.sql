-- What is in the quarantine by reason, most first, and the newest row of each.
SELECT reason, sum(readings)::bigint, count(*), max(quarantine_id), max(received_at)
FROM quarantine
GROUP BY reason
ORDER BY 2 DESC, 1
