"""What can go wrong in this room, with what to do.

Knows the shape of errors; knows nothing of what raises them.
"""

from __future__ import annotations


class AssessmentError(Exception):
    """Base of every error of this room."""


class BundleError(AssessmentError):
    """A bundle cannot be written, or what was given is none that could be read at all."""
