UPDATE indicator SET listed = false WHERE listed
