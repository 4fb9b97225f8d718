"""Rules as stories: a small city lives through the edge of a rule, and all it says is written down.

`python -m tests.test_closing_rules` writes the golden files anew.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from edge.places import PlaceRow
from engine.catalogue import INDICATORS
from engine.points import Points
from engine.vitals import Vitals
from ingest.admission import opened
from ingest.line import Line
from ingest.messages import Received
from ingest.outlet import Known
from ingest.outlets import Outlets
from ingest.store import Store
from tests.line_city import CITY, MS, body, row, write_places

DAY_S = 86_400
GOLDEN = Path(__file__).parent / "golden"


def moment(text: str) -> int:
    """Unix ms of a moment in UTC, such as `2026-03-02 10:05` or with seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(time_ms: int) -> str:
    """A moment in UTC for people."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


class _Told(Outlets):
    """The outlets of a real line, that write down what is said of one indicator."""

    def __init__(self, store: Store, story: "Rule") -> None:
        super().__init__(store)
        self._story = story

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        """As usual, and into the story."""
        super().points(points, vitals, known_ms)
        self._story.points(points, vitals)


class Rule:
    """A city with two stations of district `centre`, whose life is written down."""

    def __init__(
        self, folder: Path, title: str, indicator: str, *, areas: bool = False,
        rows: Sequence[PlaceRow] = (row("d1", "s1"), row("d2", "s2")),
    ) -> None:
        self._rows = list(rows)
        write_places(folder / "places.csv", rows)
        self._store = Store.create(folder / "store.db")
        self._indicator = indicator
        self._areas = areas
        self._numbers = {"d1": 0, "d2": 0}
        self._said = 0
        self.lines = [title, "=" * len(title)]
        self.line = Line(folder / "ingest", _Told(self._store, self), 60)
        self.line.open()
        self._folder = folder
        self._now_ms = 0

    def say(self, text: str) -> None:
        """A sentence of the story."""
        self.lines += ["", text]

    def send(
        self, device: str, quantity: str, times_ms: list[int], value: float, at_ms: int,
        told: bool = True,
    ) -> None:
        """Readings that arrive together at a moment, and what became of them."""
        before = self.line.verdicts()
        messages = []
        for time_ms in times_ms:
            self._numbers[device] += 1
            payload = body(self._numbers[device], t=time_ms, m={quantity: value})
            topic = f"cv/1/r/{CITY}/centre/s{device[1:]}/{device}"
            messages.append(opened(Received(topic, payload), at_ms * MS))
        if not self._now_ms:
            self.line.load_places(self._folder / "places.csv", at_ms * MS)
        self._now_ms = max(self._now_ms, at_ms)
        self.line.take(messages, at_ms * MS)
        after = self.line.verdicts()
        became = ", ".join(
            f"{count - before[name]} {name}"
            for name, count in after.items() if count > before[name]
        )
        what = f"{quantity} {value:g} of " + (
            shown(times_ms[0]) if len(times_ms) == 1
            else f"{shown(times_ms[0])} … {shown(times_ms[-1])} ({len(times_ms)})"
        )
        if told:
            self.lines.append(f"{shown(at_ms)}  {device} sends {what}: {became}")

    def mend(self, at_ms: int, *rows: PlaceRow) -> None:
        """Rows are added to the places file, and it comes into force."""
        self._rows = sorted([*self._rows, *rows], key=lambda row: row.valid_from_ms)
        write_places(self._folder / "places.csv", self._rows)
        self._quiet, self._said = False, 0
        for added in rows:
            self.lines.append(
                f"{shown(at_ms)}  places.csv gets a row of {added.device}, valid from "
                f"{shown(added.valid_from_ms)}")
        self.line.load_places(self._folder / "places.csv", at_ms * MS)
        if not self._said:
            self.lines.append(f"{shown(at_ms)}  (nothing is said)")
        told = self.line.late_rows.status()
        if told["at_ms"] == at_ms and told["beyond"]:
            self.lines.append(
                f"health: {told['beyond']} row reaches back further than eight days; what is older "
                f"is computed by `{told['command']}`")

    def tick(self, at_ms: int, *, told: bool = True) -> None:
        """The clock moves on; what is said then goes into the story."""
        self._said = 0
        self._quiet = not told
        self.line.tick(at_ms * MS, with_open=False)
        self._now_ms = max(self._now_ms, at_ms)
        if told and not self._said:
            self.lines.append(f"{shown(at_ms)}  (nothing is said)")

    def points(self, points: Points, vitals: Vitals) -> None:
        """Write down the points of the story's indicator."""
        for k in range(len(points)):
            entry = INDICATORS[points.indicator[k]]
            key = vitals.registry.keys[points.place[k]]
            if entry.key != self._indicator or self._quiet or not (key.station or self._areas):
                continue
            self._said += 1
            value = "insufficient" if points.level[k] < 0 else (
                f"{points.value[k]:.{entry.digits}f} {entry.unit}".removesuffix(" 1"))
            self.lines.append(
                f"{shown(vitals.now_ns // MS)}  -> {key.path} until "
                f"{shown(int(points.end_s[k]) * 1000)}: {value}, {points.cov[k]:.0%} covered, "
                f"{points.n[k]} readings, revision {points.rev[k]}"
            )

    def events(self) -> None:
        """Write down the events of the story's indicator so far."""
        for event in sorted(self._store.events(1000)):
            if event.indicator in {self._indicator, ""}:
                self.lines.append(f"event of {event.path}: {event.title} ({event.text})")

    def counted(self) -> None:
        """Write down all verdicts so far."""
        counts = ", ".join(f"{n} {name}" for name, n in self.line.verdicts().items() if n)
        self.lines.append(f"verdicts so far: {counts}")

    def end(self) -> str:
        """Close the line; the whole story."""
        self.line.close()
        self._store.close()
        return "\n".join(self.lines) + "\n"
