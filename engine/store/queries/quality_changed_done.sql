DELETE FROM quality_changed WHERE change_id = ANY(%(changes)s)
