SELECT code, "window", unit, decimals FROM indicator
