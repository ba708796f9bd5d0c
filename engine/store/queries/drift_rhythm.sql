-- How many readings a series had on its best day of the week before it stopped.
SELECT w.series_id, max(w.count)::bigint
FROM window_day w
JOIN unnest(%(series)s::int[], %(last)s::timestamptz[]) AS s (series_id, last) USING (series_id)
WHERE w.start > s.last - interval '8 days' AND w.start <= s.last
GROUP BY w.series_id
