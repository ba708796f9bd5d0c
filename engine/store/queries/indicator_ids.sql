SELECT code, "window", indicator_id FROM indicator
