"""Sparkplug B payloads (Eclipse Sparkplug 3.0.0, payload format B): their bytes, their values, their readings.

Knows what stands in one payload; what has to be remembered from one to the next is `devices.carriers.sparkplug` for a
host and `devices.codecs.sparkplug.edge` for an edge node.
"""

from __future__ import annotations

from devices.codecs.sparkplug.codec import SPARKPLUG_B

__all__ = ["SPARKPLUG_B"]
