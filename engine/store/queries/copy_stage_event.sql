COPY stage_event (series_id, time, kind, before_ticks, after_ticks) FROM STDIN (FORMAT binary)
