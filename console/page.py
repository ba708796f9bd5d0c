"""The live terminal page as plain records, and their rendering at any width and height.

Knows rich and the records below; knows neither where the records come from nor the keyboard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.text import Text

from console.text import age, sparkline

NARROW_COLUMNS = 128
"""Below this width zones become headings instead of a column, and the sparkline shows half a day."""
FOOT_LINES = 6
"""What stands under the table: a rule, three lines of ledger and lag, the keys, and one line to spare."""
LINES_MIN = 3
TITLE_CELLS_MIN = 24
"""A title cut to so much still says what it is; in a smaller column the code says more."""
LEDGER = " ledger  "
LEGEND = "~ still open   ? too few readings "


@dataclass(frozen=True, slots=True)
class IndicatorLine:
    """One indicator of one zone, as the page shows it.

    Attributes:
        zone: title of the zone, or of the city.
        title: the indicator's title.
        code: the indicator's code, which `cityvitals indicators` takes; shown where too little of the title would fit.
        value: decimal text; empty while there is none.
        unit: as people write it.
        band: name of the band; empty where the scale has none.
        colour: `#rrggbb` of the band; empty where it has none.
        coverage: share of the expected readings that came, 0 to 1; None where nothing was expected.
        age_s: seconds since the window's end, 0 while it is open; None while there is no value.
        history: one number per hour, oldest first; None where there was no figure.
        provisional: the window is still open.
        valid: coverage is enough for the figure to count.
        note: e.g. the driving pollutant; shown where there is room.
    """

    zone: str
    title: str
    code: str
    value: str
    unit: str
    band: str = ""
    colour: str = ""
    coverage: float | None = None
    age_s: float | None = None
    history: tuple[float | None, ...] = ()
    provisional: bool = False
    valid: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """The ledger added up, in readings."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def balances(self) -> bool:
        """Say whether every reading received is accounted for."""
        return self.received == self.accepted + self.duplicate + self.quarantined


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind the gateway is; None where it is not known.

    Attributes:
        watermark_s: the gateway's clock minus the watermark.
        waiting: stored observations the engine has not taken yet.
        commit_s: mean time of a commit.
        connected: whether the gateway holds its connection to the broker.
    """

    watermark_s: float | None = None
    waiting: int | None = None
    commit_s: float | None = None
    connected: bool | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the page shows at one moment.

    Attributes:
        title: of the city.
        clock: the city's clock reading.
        status: what goes on, e.g. `replay 61 %`.
        lines: indicators, grouped by zone in the order to show.
        totals: the ledger.
        reasons: (reason, readings) of the quarantine, most first.
        lag: how far behind the gateway is.
        trouble: what the operator must know, e.g. that the database is away; empty when all is well.
    """

    title: str
    clock: str = ""
    status: str = ""
    lines: tuple[IndicatorLine, ...] = ()
    totals: Totals = field(default_factory=Totals)
    reasons: tuple[tuple[str, int], ...] = ()
    lag: Lag = field(default_factory=Lag)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the columns in cells; 0 leaves a column out."""

    zone: int
    title: int
    value: int
    unit: int
    band: int
    coverage: int
    age: int
    spark: int
    note: int


def columns(width: int) -> Columns:
    """Divide a width among the columns: the longest title is given room first, then the note, then the zones."""
    if width < NARROW_COLUMNS:
        spark = min(12, 8 + max(0, width - 80) // 2) if width >= 76 else 0
        title = max(10, width - 1 - (9 + 8 + 16 + 5 + 5 + spark + 7))
        return Columns(0, min(title, 40), 9, 8, 16, 5, 5, spark, 0)
    spare = width - (18 + 26 + 10 + 8 + 22 + 5 + 5 + 24 + 9)
    title = min(14, spare)
    spare -= title
    note = min(10, spare) if spare >= 8 else 0
    return Columns(18 + min(10, spare - note), 26 + title, 10, 8, 22, 5, 5, 24, note)


def fitted(text: str, width: int) -> str:
    """Return the text in exactly `width` cells, cut with an ellipsis; Korean characters take two."""
    return text if cell_len(text) == width else (
        set_cell_size(text, width) if cell_len(text) < width else set_cell_size(text, max(0, width - 1)) + "…"
    )  # fmt: skip


def right(text: str, width: int) -> str:
    """Return the text at the right end of `width` cells; a value is never cut short of its leading digits."""
    return " " * max(0, width - cell_len(text)) + text


def table_lines(lines: Sequence[IndicatorLine], width: int) -> list[Text]:
    """Return the indicators as lines of text: a heading per zone where narrow, a column where wide."""
    shape = columns(width)
    out: list[Text] = []
    zone = None
    for line in lines:
        first = line.zone != zone
        zone = line.zone
        if first and not shape.zone:
            out.append(Text(fitted(line.zone, width).rstrip(), style="bold"))
        out.append(_line(line, shape, first))
    return out


def _line(line: IndicatorLine, shape: Columns, first: bool) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    if shape.zone:
        text.append(fitted(line.zone if first else "", shape.zone) + " ", style="bold")
    else:
        text.append(" ")
    name = line.title if cell_len(line.title) <= shape.title or shape.title >= TITLE_CELLS_MIN else line.code
    text.append(fitted(name, shape.title) + " ")
    # The mark stands beside the digits, so that a glance at the figure sees it.
    mark = "?" if not line.valid else "~" if line.provisional else " "
    text.append(right(line.value or "–", shape.value - 1) + mark + " ", style="" if line.valid else "dim")
    band = shape.band
    if line.unit or shape.zone:
        text.append(fitted(line.unit, shape.unit) + " ", style="dim")
    else:
        band += shape.unit + 1  # an index has no unit, and the words of its band want the room
    text.append("■ " if line.colour and line.band else "  ", style=line.colour if line.band else "")
    text.append(fitted(line.band, band - 2) + " ")
    text.append(right("–" if line.coverage is None else f"{_percent(line.coverage)}%", shape.coverage - 1) + " ")
    text.append(right("–" if line.age_s is None else age(line.age_s) if line.age_s else "now", shape.age - 1) + " ")
    if shape.spark:
        text.append(" " + fitted(sparkline(line.history[-shape.spark :]), shape.spark), style="cyan")
    if shape.note:
        text.append(" " + fitted(line.note, shape.note - 1), style="dim")
    return text


def _percent(share: float) -> int:
    """Round towards the middle: only a complete window shows 100 %, only an empty one 0 %."""
    whole = round(100 * share)
    if whole >= 100 > 100 * share:
        return 99
    return 1 if whole == 0 and share > 0 else whole


def heading(width: int, window: str = "hour") -> Text:
    """Return the names of the columns."""
    shape = columns(width)
    text = Text(style="dim", no_wrap=True, overflow="crop")
    text.append(fitted("zone", shape.zone) + " " if shape.zone else " ")
    text.append(fitted("indicator", shape.title) + " ")
    text.append(right("value", shape.value - 1) + "  ")
    text.append(fitted("unit", shape.unit) + "   ")
    text.append(fitted("band", shape.band - 2) + " ")
    text.append(right("cov", shape.coverage - 1) + " ")
    text.append(right("age", shape.age - 1) + " ")
    if shape.spark:
        text.append(" " + fitted(f"last {shape.spark} {window[0]}", shape.spark))
    if shape.note:
        text.append(" " + fitted("note", shape.note - 1))
    return text


def scroll_max(page: Page, width: int, height: int) -> int:
    """Return the furthest line the table can begin with."""
    return max(0, len(table_lines(page.lines, width)) - _room(page, height))


def render(page: Page, width: int, height: int, first: int = 0, window: str = "hour") -> RenderableType:
    """Return the page for a terminal of this size; `first` is the table's first line (scrolling)."""
    rows = table_lines(page.lines, width)
    room = _room(page, height)
    first = max(0, min(first, len(rows) - room))
    shown = _with_zone(rows, first, page.lines, width)[:room]
    at = Text(f"{page.status}  {page.clock} ")
    name = f" cityvitals · {page.title}"
    top = _ends(Text(name if cell_len(name) + at.cell_len < width else f" {page.title}", style="bold"), at, width)
    if not rows:
        shown = [Text("  waiting for the first figures …", style="dim")]
    shown += [Text("")] * (room - len(shown))
    parts: list[RenderableType] = [top, heading(width, window), *shown]
    more = f" {first + 1}–{min(first + room, len(rows))} of {len(rows)} lines " if len(rows) > room else ""
    parts.append(_rule(more, width))
    if page.trouble:
        parts.append(Text(fitted(" ! " + page.trouble, width).rstrip(), style="bold red"))
    parts += [ledger_line(page.totals, width), reasons_line(page.reasons, width), _lag_line(page.lag, width)]
    keys = f" q quit   ↑↓ scroll   d {'hours' if window == 'day' else 'days'}"
    legend = LEGEND if len(keys) + len(LEGEND) < width else ""  # who has no room for both needs the keys more
    parts.append(_ends(Text(keys, style="dim"), Text(legend, style="dim"), width))
    return Group(*parts)


def _with_zone(rows: list[Text], first: int, lines: Sequence[IndicatorLine], width: int) -> list[Text]:
    """Return the rows from `first` on; where narrow, a zone that began above keeps its heading in sight."""
    if columns(width).zone or not first:
        return rows[first:]
    row = 0
    zone = None
    for line in lines:
        row += line.zone != zone
        if row > first:
            break
        zone = line.zone
        if row == first:
            return [Text(fitted(f"{zone} …", width).rstrip(), style="bold"), *rows[first + 1 :]]
        row += 1
    return rows[first:]


def _room(page: Page, height: int) -> int:
    return max(LINES_MIN, height - 2 - FOOT_LINES - bool(page.trouble))


def _rule(text: str, width: int) -> Text:
    return Text("─" * max(0, width - cell_len(text) - 2) + text + "──", style="dim", no_wrap=True, overflow="crop")


def _ends(left: Text, right_text: Text, width: int) -> Text:
    gap = width - left.cell_len - right_text.cell_len
    if gap < 1:
        left, gap = Text(fitted(left.plain, max(0, width - right_text.cell_len - 1)), style=left.style), 1
    return Text.assemble(left, " " * gap, right_text, no_wrap=True, overflow="crop")


def ledger_line(totals: Totals, width: int) -> Text:
    """Return `received = accepted + duplicate + quarantined` and whether it holds; less of it where narrow.

    The verdict is never cut off: what does not fit are the words, then the parts, then the sums.
    """
    numbers = (totals.received, totals.accepted, totals.duplicate, totals.quarantined)
    long = "received {:,} = accepted {:,} + duplicate {:,} + quarantined {:,}  "
    short = "in {:,} = accepted {:,} + dup {:,} + quar {:,}  "
    bodies = (long, short, "{:,} = {:,} + {:,} + {:,}  ", "{0:,} in, {3:,} refused  ", "{0:,} in  ", "")
    verdict = ("✓ balances", "green") if totals.balances else ("✗ DOES NOT BALANCE", "bold red")
    room = width - len(LEDGER) - len(verdict[0])
    body = next(text for text in (body.format(*numbers) for body in bodies) if len(text) <= max(0, room))
    return Text.assemble((LEDGER, "bold"), body, verdict, no_wrap=True, overflow="crop")


def reasons_line(reasons: Sequence[tuple[str, int]], width: int) -> Text:
    """Return what the quarantine holds, by reason, as far as it fits."""
    text = Text.assemble((" refused ", "bold"), no_wrap=True, overflow="crop")
    if not reasons:
        return text.append("nothing in quarantine", style="dim")
    for place, (reason, count) in enumerate(reasons):
        piece = f"{' · ' if place else ''}{reason} {count:,}"
        rest = len(reasons) - place
        if text.cell_len + len(piece) > width - (12 if rest > 1 else 0):
            return text.append(f" · {rest} more", style="dim")
        text.append(piece)
    return text


def _lag_line(lag: Lag, width: int) -> Text:
    pieces = []
    if lag.connected is False:
        pieces.append("broker away")
    pieces.append("watermark " + ("–" if lag.watermark_s is None else f"{age(lag.watermark_s)} behind"))
    pieces.append("queue " + ("–" if lag.waiting is None else f"{lag.waiting:,}"))
    pieces.append("commit " + ("–" if lag.commit_s is None else f"{1000 * lag.commit_s:.0f} ms"))
    return Text.assemble((" lag     ", "bold"), fitted(" · ".join(pieces), max(0, width - 9)).rstrip(), no_wrap=True)
