"""Every compiled kernel of this room: frames and topics of MQTT, and SenML packs, over bytes and columns.

Kernels are arithmetic: arrays in, arrays changed, a few integers out. They know no socket and no registry.
"""

import engine.compiled  # noqa: F401  (before the first kernel: numba asks for a place at every decorator)
from ingest.kernels import frames, senml

__all__ = ["frames", "senml"]
