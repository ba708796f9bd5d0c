"""The bench itself: what it does to servers and networks is what it says."""
