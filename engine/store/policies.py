"""What only TimescaleDB's community edition can do: compressing old observations, dropping old minute buckets.

Knows the two editions. Everything works without: the Apache edition keeps all rows as they are.
"""

from __future__ import annotations

from engine.store.session import Session

COMMUNITY = "timescale"
"""Value of `timescaledb.license` that allows compression and background jobs; the other one is `apache`."""


def edition(session: Session) -> str:
    """Return the value of `timescaledb.license`.

    Raises:
        StoreUnavailable, StoreError
    """
    ((license_,),) = session.rows("edition")
    return str(license_)


def apply_policies(session: Session) -> bool:
    """Switch on compression and retention where the edition has them; say whether it has. May be called again.

    Observations are compressed once they are 30 days old, and stay for ever: they are the log. Minute buckets leave
    after 400 days; they can be computed again from the observations.

    Raises:
        StoreUnavailable, StoreError
    """
    if edition(session) != COMMUNITY:
        return False
    ((compressed,),) = session.rows("policy_is_on")
    if not compressed:
        session.run("policy_compress")
    session.rows("policy_schedule")
    return True
