"""The gate of a console that starts, and whether it may listen where it is told to.

Knows the settings and how gate, keeper and provider belong together.
"""

from __future__ import annotations

from console.errors import MisuseError
from console.settings import LOOPBACK, Settings
from console.web.guard.gate import Clocks, Gate
from console.web.guard.keeper import Keeper
from console.web.guard.oidc import Provider
from engine.store import AccessBook


def open_gate(settings: Settings, database_url: str, clocks: Clocks | None = None) -> Gate:
    """Return the gate of a console; nothing is connected before it is asked."""
    clocks = clocks or Clocks()
    keeper = Keeper(lambda: AccessBook.connect(database_url), clocks.rising_s)
    provider = None if settings.oidc.issuer is None else Provider(settings.oidc, clocks.rising_s)
    return Gate(settings.access, settings.web.host, keeper, provider, clocks)


def require_guarded(settings: Settings, gate: Gate) -> None:
    """Refuse to listen beyond this machine where everybody would get in, or where that is not known.

    Raises:
        MisuseError
    """
    if settings.web.host in LOOPBACK or settings.oidc.issuer is not None:
        return
    gate.keeper.refresh()
    known = gate.keeper.known
    if known is None:
        raise MisuseError(
            f"web.host {settings.web.host} is reached by other machines, and the database is away that has the tokens",
            "start it when the database is there, or leave out web.host",
        )
    if not known.tokens:
        raise MisuseError(
            f"web.host {settings.web.host} is reached by other machines, and nobody would have to sign in",
            "make a token (`cityvitals tokens new NAME --role viewer`), or name an identity provider in [oidc]; "
            "without web.host only this machine is served",
        )
