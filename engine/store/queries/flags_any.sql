SELECT EXISTS (SELECT FROM observation_flag) OR EXISTS (SELECT FROM window_excluded)
