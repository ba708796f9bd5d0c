"""The bundle of an assessment: a folder that holds the figures and everything that they can be computed again from.

Writing one, its layout, its manifest and its signature; reading one back is `assessment.verify`'s.
"""

from __future__ import annotations

from assessment.bundle.layout import Output
from assessment.bundle.manifest import Manifest
from assessment.bundle.packed import write_packed
from assessment.bundle.signing import read_private_key, read_public_key
from assessment.bundle.write import write_bundle

__all__ = ["Manifest", "Output", "read_private_key", "read_public_key", "write_bundle", "write_packed"]
