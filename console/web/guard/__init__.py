"""The guard of the console: who asks, what they may, how often, and what is noted of it."""
