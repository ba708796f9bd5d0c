"""Settings of this room's property tests."""

from __future__ import annotations

from hypothesis import settings

# No deadline: a slow or busy machine is no fault of the code.
settings.register_profile("devices", deadline=None)
settings.load_profile("devices")
