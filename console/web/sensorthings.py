"""`/sensorthings/v1.1`: the city as OGC SensorThings has it (18-088, sensing profile), to be read.

Knows paths, links and how entities are written; what is there the city's entities and the store know.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.web.observed import STREAM, bounds_of, comparisons, newest_first
from console.web.odata import TEXT_CHARS_MAX, And, Condition, Expand, ODataError, read
from console.web.odata import Query as Wanted
from console.web.problems import FieldFault, ProblemError, absent
from console.web.site import SiteOf
from console.web.things import IDS, PROPERTIES, RELATIONS, City, Entity, Stream, check, comparisons_in, is_many
from devices import rfc3339
from engine.store import series, things
from engine.store.reader import Reader

PREFIX = "/sensorthings/v1.1"
ENTITIES_MAX = 10_000
"""Entities of one answer, those brought along included."""
LOOKS_MAX = 1_000_000
"""Entities looked at for one answer, each as often as a condition or an order compares it: a few seconds."""
STREAMS_MAX = 200
"""Datastreams of one answer whose observations are brought along: each is a question to the database."""
CONFORMANCE = tuple(
    f"http://www.opengis.net/spec/iot_sensing/1.1/req/{part}"
    for part in ("datamodel", "resource-path/resource-path-to-entities", "request-data")
)
_STEP = re.compile(r"/?(\$?\w+)(?:\('((?:[^']|'')*)'\))?(?=/|\Z)")
_ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Results are numbers here, as the standard has them, with all their digits."""

router = APIRouter(prefix=PREFIX, tags=["SensorThings"])


class Answer:
    """One answer: writes entities, follows relations, and stops at its limits."""

    def __init__(self, city: City, reader: Reader, base: str) -> None:
        """Begin.

        Args:
            city: its entities.
            reader: has the observations.
            base: address of the service's root.
        """
        self._city, self._reader, self._base = city, reader, base
        self._entities = self._streams = self._looks = 0

    def collection(self, kind: str, found: list[Entity], wanted: Wanted, link: str) -> dict[str, Any]:
        """Return those of some entities that are wanted."""
        check(kind, wanted.condition, wanted.order)
        self._looks += len(found) * (1 + comparisons_in(wanted.condition) + len(wanted.order))
        if self._looks > LOOKS_MAX:
            raise _too_much("too many entities are to be looked at; ask for fewer, or in several requests")
        fitting = self._city.ordered([one for one in found if self._city.fits(one, wanted.condition)], wanted.order)
        shown = [self.entity(one, wanted) for one in fitting[wanted.skip : wanted.skip + wanted.top]]
        return _listed(shown, wanted, len(fitting), len(fitting) > wanted.skip + wanted.top, link)

    def observations(self, stream_id: str, wanted: Wanted, link: str) -> dict[str, Any]:
        """Return observations of a datastream."""
        self._streams += 1
        if self._streams > STREAMS_MAX:
            raise _too_much(f"observations of at most {STREAMS_MAX} datastreams come along; ask for fewer with $top")
        stream = self._city.streams[stream_id]
        bounds, backwards = bounds_of(wanted.condition, stream.measurand), newest_first(wanted.order)
        session, found, count = self._reader.session, [], 0
        for facts in series.series_facts(session, [stream.device], stream.field)[:1]:
            found = things.observations(
                session, facts.series_id, bounds, newest_first=backwards, limit=wanted.top + 1, offset=wanted.skip
            )
            count = things.count(session, facts.series_id, bounds) if wanted.count else 0
        shown = [self.entity(_observation(stream_id, stream, one), wanted) for one in found[: wanted.top]]
        return _listed(shown, wanted, count, len(found) > wanted.top, link)

    def observation(self, key: str) -> Entity:
        """Return one observation by its id."""
        stream_id, _, time = key.rpartition("@")
        if stream_id in self._city.streams and re.fullmatch(r"-?\d{1,17}", time):
            stream = self._city.streams[stream_id]
            bounds = things.Bounds(low_us=int(time), high_us=int(time) + 1)
            session = self._reader.session
            for facts in series.series_facts(session, [stream.device], stream.field)[:1]:
                for one in things.observations(
                    session, facts.series_id, bounds, newest_first=False, limit=1, offset=0
                ):  # fmt: skip
                    return _observation(stream_id, stream, one)
        raise absent("id", f"there is no observation {key!r}")

    def entity(self, entity: Entity, wanted: Wanted) -> dict[str, Any]:
        """Return one entity with its links and what comes along."""
        self._entities += 1
        if self._entities > ENTITIES_MAX:
            raise _too_much(f"an answer has at most {ENTITIES_MAX:,} entities; ask for fewer with $top")
        link = f"{self._base}/{entity.kind}('{quote(entity.id.replace(chr(39), chr(39) * 2), safe='')}')"
        names = (*PROPERTIES[entity.kind], *RELATIONS[entity.kind])
        for name in wanted.select or ():
            if name not in (*names, *IDS):
                raise ODataError(1, f"in $select some of {', '.join(('id', *names))}")
        chosen = names if wanted.select is None else wanted.select
        document: dict[str, Any] = {"@iot.id": entity.id, "@iot.selfLink": link}
        document |= {name: value for name, value in entity.properties.items() if name in chosen}
        along = {one.name: one for one in wanted.expand}
        for name in RELATIONS[entity.kind]:
            if name not in along and name in chosen:
                document[f"{name}@iot.navigationLink"] = f"{link}/{name}"
        for one in along.values():
            document |= self._brought(entity, one, f"{link}/{one.name}")
        return document

    def _brought(self, entity: Entity, one: Expand, link: str) -> dict[str, Any]:
        kind = RELATIONS[entity.kind].get(one.name)
        if kind is None:
            raise ODataError(one.place, f"in $expand one of {', '.join(RELATIONS[entity.kind])}")
        if kind == "Observations":
            found = self.observations(entity.id, one.query, link)
        elif is_many(one.name):
            found = self.collection(kind, self._city.related(entity, one.name), one.query, link)
        else:
            related = self._city.related(entity, one.name)
            return {one.name: self.entity(related[0], one.query) if related else None}
        more = {f"{one.name}{name}": value for name, value in found.items() if name != "value"}
        return {one.name: found["value"], **more}


def _listed(shown: list[dict[str, Any]], wanted: Wanted, count: int, more: bool, link: str) -> dict[str, Any]:
    document: dict[str, Any] = {"@iot.count": count} if wanted.count else {}
    if more and wanted.top:
        document["@iot.nextLink"] = f"{link}{'&' if '?' in link else '?'}$skip={wanted.skip + wanted.top}"
    return {**document, "value": shown}


def _observation(stream_id: str, stream: Stream, seen: things.Seen) -> Entity:
    time = rfc3339(seen.time_us)
    measurand = stream.measurand
    # A state that the catalogue does not name any more shows its number.
    known = measurand.states and 0 <= seen.ticks < len(measurand.states)
    result = measurand.states[seen.ticks] if known else Decimal(seen.ticks).scaleb(-measurand.decimals)
    properties = {"phenomenonTime": time, "resultTime": time, "result": result}
    return Entity("Observations", f"{stream_id}@{seen.time_us}", properties, {"Datastream": (stream_id,)})


def _too_much(reason: str) -> ProblemError:
    return ProblemError(400, "wrong-input", reason, (FieldFault("$top", reason),))


def _steps(path: str) -> list[tuple[str, str | None]]:
    """Return the names of a path, each with its id where it has one."""
    found: list[tuple[str, str | None]] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise absent("path", f"expected Name or Name('id') at character {at + 1} of the path")
        found.append((match[1], None if match[2] is None else match[2].replace("''", "'")))
        at = match.end()
    return found


def _followed(city: City, answer: Answer, path: str, wanted: Wanted, link: str) -> Any:
    """Return what stands at a path."""
    (name, key), *steps = _steps(path) or [("", None)]
    if name not in RELATIONS:
        raise absent("path", f"there is no set {name!r}; there are {', '.join(RELATIONS)}")
    here: Entity | None = None
    found = list(city.sets[name].values()) if name in city.sets else []
    kind, owner = name, ""
    if key is not None:
        here = answer.observation(key) if name == "Observations" else _picked(found, kind, key)
    for step, inner in steps:
        if here is None:
            raise absent("path", f"a single one of {kind} is to be named before {step!r}: {kind}('id')")
        if step in PROPERTIES[here.kind] and inner is None and step == steps[-1][0]:
            return {step: here.properties[step]}
        if step not in RELATIONS[here.kind]:
            names = (*RELATIONS[here.kind], *PROPERTIES[here.kind])
            raise absent("path", f"{here.kind} lead to {', '.join(names)}, not to {step!r}")
        kind, owner = RELATIONS[here.kind][step], here.id
        if kind == "Observations":
            here = None if inner is None else answer.observation(inner)
            continue
        found = city.related(here, step)
        here = _picked(found, kind, inner) if inner is not None else None if is_many(step) else found[0]
    if here is not None:
        return answer.entity(here, wanted)
    if kind != "Observations":
        return answer.collection(kind, found, wanted, link)
    if not owner:
        owner, wanted = _of_stream(city, wanted)
    return answer.observations(owner, wanted, link)


def _picked(found: list[Entity], kind: str, key: str) -> Entity:
    for one in found:
        if one.id == key:
            return one
    raise absent("id", f"there is no {key!r} among these {kind}")


def _of_stream(city: City, wanted: Wanted) -> tuple[str, Wanted]:
    """Return the datastream that a condition on all observations names, and what is wanted besides."""
    named: list[str] = []
    rest: list[Condition] = []
    for one in comparisons(wanted.condition):
        if one.path in STREAM and one.operator == "eq" and isinstance(one.value, str):
            named.append(one.value)
        else:
            rest.append(one)
    if len(named) != 1:
        raise ODataError(1, "in $filter `Datastream/id eq 'ID'` once: observations are kept by datastream")
    if named[0] not in city.streams:
        raise absent("$filter", f"there is no datastream {named[0]!r}")
    return named[0], replace(wanted, condition=And(tuple(rest)) if rest else None)


def _city(request: Request, site: Any) -> City:
    """Return the entities, which are made once."""
    state = request.app.state
    if not hasattr(state, "things"):
        state.things = City(site.registry)
    found: City = state.things
    return found


@router.get("")
def get_root(request: Request) -> Response:
    """The sets of entities, and which parts of the standard are served."""
    base = str(request.base_url).rstrip("/") + PREFIX
    value = [{"name": name, "url": f"{base}/{name}"} for name in RELATIONS]
    document = {"value": value, "serverSettings": {"conformance": CONFORMANCE}}
    return Response(_ENCODER.encode(document), media_type="application/json")


@router.get("/{path:path}")
def get_things(
    request: Request,
    site: SiteOf,
    path: str,
    filter_: Annotated[str | None, Query(alias="$filter", max_length=TEXT_CHARS_MAX)] = None,
    orderby: Annotated[str | None, Query(alias="$orderby", max_length=TEXT_CHARS_MAX)] = None,
    expand: Annotated[str | None, Query(alias="$expand", max_length=TEXT_CHARS_MAX)] = None,
    select: Annotated[str | None, Query(alias="$select", max_length=TEXT_CHARS_MAX)] = None,
    top: Annotated[str | None, Query(alias="$top")] = None,
    skip: Annotated[str | None, Query(alias="$skip")] = None,
    count: Annotated[str | None, Query(alias="$count")] = None,
) -> Response:
    """Entities: `Things`, `Datastreams('street-noise:sound_level')/Observations`, `Things('street-noise')/name`."""
    given = {
        "$filter": filter_, "$orderby": orderby, "$expand": expand, "$select": select, "$top": top, "$skip": skip,
        "$count": count,
    }  # fmt: skip
    options = [(name, text) for name, text in given.items() if text is not None]
    base = str(request.base_url).rstrip("/") + PREFIX
    city = _city(request, site)
    again = urlencode([(name, text) for name, text in options if name != "$skip"], safe="$'(),;=/")
    address = quote(path, safe="/()',@:")
    link = f"{base}/{address}" + (f"?{again}" if again else "")
    try:
        wanted = read(options)
        found = site.stores.ask(lambda store: _followed(city, Answer(city, store, base), path, wanted, link))
    except ODataError as error:
        raise _unread(error, given) from None
    return Response(_ENCODER.encode(found), media_type="application/json")


def _unread(error: ODataError, given: dict[str, str | None]) -> ProblemError:
    """Return a fault of a query as a problem; which option it is in the fault says, or there is but one."""
    named = [name for name in given if name in error.expected] or [n for n in ("$filter", "$orderby") if given[n]]
    field = named[0] if named else "path"
    return ProblemError(400, "wrong-input", f"{field}: {error}", (FieldFault(field, str(error)),))
