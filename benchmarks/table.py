"""The table of figures: a row per figure, a column per server, ratios to the first of them."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Row:
    """A figure of several servers, measured once a round."""

    title: str
    unit: str
    more_is_better: bool = False
    #: By server; what was measured in one round stands at one place of each list.
    values: dict[str, list[float]] = field(default_factory=dict)
    #: By server: what a reader must know about its figure.
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, server: str, value: float, note: str = "") -> None:
        """The value of a round."""
        self.values.setdefault(server, []).append(value)
        if note:
            self.notes[server] = note

    def ratio(self, server: str, reference: str) -> float:
        """How many times better *reference* did: the median of the rounds' ratios."""
        pairs = zip(self.values[server], self.values[reference], strict=True)
        return statistics.median(self._better(theirs, ours) for theirs, ours in pairs)

    def _better(self, theirs: float, ours: float) -> float:
        above, below = (ours, theirs) if self.more_is_better else (theirs, ours)
        return above / below if below else math.inf


def lines(rows: Sequence[Row], servers: Sequence[str]) -> Iterable[str]:
    """The table as Markdown, and the notes below it."""
    yield f"| | {' | '.join(servers)} |"
    yield f"|---|{'--:|' * len(servers)}"
    notes: list[str] = []
    for row in rows:
        cells = [_cell(row, server, servers[0], notes) for server in servers]
        yield f"| {row.title}, {row.unit} | {' | '.join(cells)} |"
    if notes:
        yield ""
    for number, note in enumerate(notes, start=1):
        yield f"[{number}] {note}"


def _cell(row: Row, server: str, reference: str, notes: list[str]) -> str:
    """The median, the ratio to the reference, and the number of the note."""
    if server not in row.values:
        return "-"
    text = number(statistics.median(row.values[server]))
    if server != reference:
        text += f" ({number(row.ratio(server, reference))}x)"
    note = row.notes.get(server)
    if note is None:
        return text
    if note not in notes:
        notes.append(note)
    return f"{text} [{notes.index(note) + 1}]"


def number(value: float) -> str:
    """Three digits that count, or more before the point."""
    if not 0 < abs(value) < math.inf:
        return f"{value:g}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
