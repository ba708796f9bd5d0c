SELECT series_id FROM series WHERE seen
