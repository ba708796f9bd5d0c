SELECT code, time_zone FROM city
