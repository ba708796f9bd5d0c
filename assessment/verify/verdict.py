"""What verifying a bundle found, as frozen data.

Knows what a verifier asks; knows neither files nor how a verdict is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """What is to be said of one data point."""

    AGREES = "agrees"
    """Computed again from readings and registers, it is the same in everything."""
    DECLARED = "declared"
    """It is what the city declares, which nobody can compute; file and figure agree."""
    NOT_REPORTED = "not reported"
    """Neither stated nor computed."""
    DIFFERS = "differs"
    """What is stated is not what comes out."""


class Signature(StrEnum):
    """Who vouches for the manifest."""

    NONE = "not signed"
    UNKNOWN = "signed by an unknown key"
    """The signature is right, and no public key was given to hold it against."""
    KNOWN = "signed by the key given"
    WRONG = "signature wrong"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A file that is not as it was written.

    Attributes:
        file: its path in the bundle.
        what: what is wrong with it.
    """

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that is stated otherwise than it comes out.

    Attributes:
        what: name of it.
        stated: as the bundle says.
        computed: as it comes out.
    """

    what: str
    stated: str
    computed: str


@dataclass(frozen=True, slots=True)
class Line:
    """One data point.

    Attributes:
        data_point: its key.
        standing: what is to be said of it.
        stated: its value in the bundle, exact; empty where it is not reported, or not there.
        computed: the value that came out.
        differences: every fact that differs.
    """

    data_point: str
    standing: Standing
    stated: str
    computed: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """Something that was compared beside the data points.

    Attributes:
        name: what it is.
        compared: how many facts.
        differences: those that differ, the first of them where there are many.
        differ: how many differ.
    """

    name: str
    compared: int
    differences: tuple[Difference, ...] = ()
    differ: int = 0


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        city, year: as the manifest says; empty and 0 where it cannot be read.
        closed: whether the figures were final.
        signature: who vouches for it.
        signed_by: fingerprint of the key; empty without one.
        faults: of files; while there is one, nothing is computed.
        lines: one per data point; none while there are faults.
        checked: what else was compared.
        notes: what a verifier should know, and what is no fault.
    """

    city: str
    year: int
    closed: bool
    signature: Signature
    signed_by: str
    faults: tuple[Fault, ...]
    lines: tuple[Line, ...] = ()
    checked: tuple[Checked, ...] = ()
    notes: tuple[str, ...] = ()

    def count(self, standing: Standing) -> int:
        """Return how many data points stand so."""
        return sum(line.standing is standing for line in self.lines)

    @property
    def good(self) -> bool:
        """Whether everything is as it should be."""
        sound = not self.faults and bool(self.lines) and self.signature is not Signature.WRONG
        return sound and not self.count(Standing.DIFFERS) and not any(one.differ for one in self.checked)
