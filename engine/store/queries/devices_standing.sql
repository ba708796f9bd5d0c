-- Devices by how it stands with them, and by gateway.
SELECT gateway, CASE WHEN state = 'silent' AND silence = 'gateway' THEN 'gateway_silent' ELSE replace(state, ' ', '_') END, count(*)
FROM v_health
GROUP BY 1, 2
ORDER BY 1, 2
