SELECT min(heard_to), bool_and(stopped), sum(trimmed)::bigint FROM listening
