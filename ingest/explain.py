"""How a point came about: readings, panes, window, coverage, steps, revisions, from the archive.

The answer is one JSON object, described in `docs/explain.md`. The value is computed again by the
engine from what the archive holds; `equal` says whether it is the one that was stored.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edge.places import PlaceKey
from engine.account import Account, Look, Step, number
from engine.catalogue import INDICATORS, POSITION
from engine.panes import MINUTE_NS
from engine.points import INSUFFICIENT, Kind, Points, PointState
from engine.power_minutes import POWER_SERIES_MAX
from engine.recipes import RECIPES
from engine.vitals import HORIZON_NS
from engine.windows import Windows
from ingest.explain_area import area_account
from ingest.explain_free_flow import FreeFlow
from ingest.explain_near import with_neighbours
from ingest.explain_rows import causes, inputs_of, left_out_of, pane_tables, stated
from ingest.reconstruct import Known, Reconstruction, Stop, known_at
from ingest.store import Revision, Sample, Store

FORMAT = 1
NS_PER_MS = 1_000_000
_NOW_NS = 1 << 62
_SLIDING = "energy.demand_sliding"
STATE_WORDS = {PointState.OPEN: "open", PointState.CLOSED: "closed", PointState.FINAL: "final"}


class ExplainError(Exception):
    """The question cannot be answered; `field` names the parameter at fault."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class Question(NamedTuple):
    """What is asked: a place (as `PlaceKey.path`), an indicator, a time or the newest point."""

    place: str
    indicator: str
    time_ms: int | None = None


class _Stored(NamedTuple):
    """The point as the store has it."""

    sample: Sample | None
    known_ms: int
    revisions: list[Revision]


class _Window(NamedTuple):
    """One window: its number, its ends (Unix minutes), and the member it was found by."""

    number: int
    start_min: int
    end_min: int
    member: int


class Explanation:
    """One question to one data folder. Raises `ExplainError`, `ArchiveError`, `StoreError`."""

    def __init__(self, data: Path, question: Question, stop: Stop = lambda: False) -> None:
        self.archive = data / "ingest" / "archive"
        self.question = question
        self._stop = stop
        if question.indicator not in POSITION:
            raise ExplainError("indicator", f"there is no indicator {question.indicator}")
        self.position = POSITION[question.indicator]
        self.entry = INDICATORS[self.position]
        self.recipe = RECIPES[question.indicator]
        self.notes: list[str] = []
        self._store = Store.reader(data / "store.db")

    def answer(self) -> dict[str, Any]:
        """The explanation, ready for JSON."""
        try:
            return self._answer()
        finally:
            self._store.close()

    def _answer(self) -> dict[str, Any]:
        now_ns = self._now_ns()
        time_ms = self._time_ms(now_ns)
        known = self._known(time_ms)
        place, stations = self._stations(known)
        built = self._reconstruction(known, stations)
        windows = built.windows(self.position)
        window = self._window(built, windows, place, time_ms)
        stored = self._stored(window.end_min * 60_000)
        now_min = min(now_ns, _NOW_NS) // MINUTE_NS
        ended = window.end_min <= now_min
        kind: Kind = "closing" if ended and (
            stored.sample is None or stored.sample.state != PointState.OPEN) else "open"
        since_min = min(window.start_min, window.end_min - self.recipe.back_min)
        as_of_ns = stored.known_ms * NS_PER_MS if stored.known_ms else now_ns
        if window.start_min > now_min:
            raise ExplainError("time", "that window has not begun")
        built = built.filled(self.archive, since_min * MINUTE_NS, window.end_min * MINUTE_NS,
                             as_of_ns, self._stop)
        windows = built.windows(self.position)
        if self.recipe.free_flow and FreeFlow(self.archive, self._store, self._stop).give(
            built, self.recipe, self.entry.key, window.number, window.end_min
        ):
            self.notes.append("the free-flow speed of the day is not stored yet; it was measured "
                              "from the archive")
        registry = built.vitals.registry
        row = registry.place(place)
        clock_min = max(window.end_min, now_min) if kind == "closing" else now_min
        points = self._points(built, windows, window, place, clock_min, kind)
        point = points.take((points.indicator == self.position) & (points.place == row))
        answer = self._head(window, windows, place, now_ns, stored)
        answer["station"] = self._station(built, row, window) if place.station else None
        if place.station:
            look = Look(built.vitals, windows.family, self.entry, window.member, window.number,
                        clock_min)
            account = self.recipe.steps(look)
            answer |= self._told(account)
            answer["inputs"] = inputs_of(built, account, window.start_min, window.end_min)
            pane_tables(built, account, answer["inputs"])
        else:
            account, members = area_account(
                built, windows, self.position, row, window.number, clock_min)
            answer |= self._told(account)
            answer |= {"inputs": [], "members": members}
        result = stated(self.entry, point)
        answer |= {
            "left_out": left_out_of(built),
            "result": result, "stored": self._stored_row(stored),
            "equal": self._equal(result, stored, late=bool(built.late)),
            "revisions": causes(stored.revisions, built),
            "searched": self._searched(built), "notes": self.notes,
        }
        return answer

    # ---- what is asked for

    def _now_ns(self) -> int:
        """The clock of the data: a recording's own, else the wall clock."""
        health = self._store.health()
        if health is not None and health["clock"]["kind"] == "recorded":
            return int(health["clock"]["now_ms"]) * NS_PER_MS
        return time.time_ns()

    def _time_ms(self, now_ns: int) -> int:
        """The instant asked for; without one the end of the newest closed window."""
        if self.question.time_ms is not None:
            return self.question.time_ms
        ends = {
            row.state: row.end_ms for row in self._store.last()
            if (row.path, row.indicator) == (self.question.place, self.question.indicator)
        }
        if not ends:
            raise ExplainError("place", self._unmeasured())
        return ends.get(PointState.CLOSED, ends.get(PointState.OPEN, 0))

    def _unmeasured(self) -> str:
        return f"{self.question.indicator} has not been computed at {self.question.place}"

    def _known(self, time_ms: int) -> Known:
        """The registry as it is, with the rows of places that have left the file since."""
        known = known_at(self.archive, _NOW_NS)
        there = {(row.district, row.station) for row in known.rows}
        before = known_at(self.archive, time_ms * NS_PER_MS)
        left = [row for row in before.rows if (row.district, row.station) not in there]
        rows = sorted(known.rows + left, key=lambda row: row.valid_from_ms)
        return known._replace(rows=rows)

    def _stations(self, known: Known) -> tuple[PlaceKey, list[PlaceKey]]:
        """The place, and the stations under it."""
        found = [key for key in known.keys if key.path == self.question.place]
        if not found:
            raise ExplainError("place", f"there is no place {self.question.place}")
        place = found[0]
        return place, [
            key for key in known.keys
            if key.station and place.district in ("", key.district)
            and place.station in ("", key.station)
        ]

    def _reconstruction(self, known: Known, stations: list[PlaceKey]) -> Reconstruction:
        stations = with_neighbours(known, stations, self.recipe)
        built = Reconstruction(known, stations, self.recipe)
        if built.too_many:
            raise ExplainError(
                "place", f"{self.question.place} has more than {built.series_max} series to read; "
                "ask for a district or a station")
        private = built.vitals.registry.private
        if private and self.question.place in {
            built.vitals.registry.keys[place].path for place in private
        }:
            raise ExplainError("place", f"{self.question.place} is private: it is counted in "
                               "groups only, and not explained")
        return built

    def _window(
        self, built: Reconstruction, windows: Windows, place: PlaceKey, time_ms: int
    ) -> _Window:
        """The window that holds the last instant before `time_ms`."""
        family = windows.family
        if not family.members.places:
            raise ExplainError("place", self._unmeasured())
        if self.question.time_ms is not None and not 0 <= time_ms < (1 << 42):
            raise ExplainError("time", f"{time_ms} is no time of a window")
        minute = np.array([-(-time_ms // 60_000) - 1], np.int64)
        found: list[_Window] = []
        row_of, places = built.vitals.registry.place_of.get(place, -1), family.members.places
        if place.station and row_of not in places:
            raise ExplainError("place", self._unmeasured())
        for member in [places.index(row_of)] if place.station else range(len(places)):
            row = np.array([member], np.int64)
            number_of = family.ordinal(row, minute)
            found.append(_Window(
                int(number_of[0]), int(family.end_min(row, number_of - 1)[0]),
                int(family.end_min(row, number_of)[0]), member,
            ))
        if len(found) == 1 or not windows.daily:
            return found[0]
        return self._area_day(windows, found, int(minute[0]) + 1)

    def _area_day(self, windows: Windows, found: list[_Window], asked_min: int) -> _Window:
        """The day of an area over several zones: the one stored under that end, else that of its
        first member. It ends with the latest member that was there, as its point was stored."""
        family = windows.family
        members = np.arange(len(found), dtype=np.int64)

        def ends(number: int) -> list[int]:
            own: list[int] = family.end_min(members, np.full(len(found), number)).tolist()
            return own

        def stored(end_min: int) -> bool:
            return self._stored(end_min * 60_000).sample is not None

        numbers = sorted({window.number for window in found})
        days = [day for day in numbers if asked_min in ends(day)] if stored(asked_min) else []
        day = days[0] if days else found[0].number
        told = [end for end in set(ends(day)) if stored(end)]
        return _Window(day, min(ends(day - 1)), max(told or ends(day)), found[0].member)

    # ---- the point

    def _points(
        self, built: Reconstruction, windows: Windows, window: _Window, place: PlaceKey,
        now_min: int, kind: Kind,
    ) -> Points:
        """The window's points as the engine lays them out; windows that lead to it come first."""
        panes = built.vitals.panes
        for numbers in filter(None, (list(self.recipe.lead(window.number)), [window.number])):
            if place.station:
                rows = np.full(len(numbers), window.member)
                points = windows.station_points(rows, np.array(numbers), now_min, panes, kind)
            else:
                keys = numbers if windows.daily else [window.end_min]
                points = windows.area_points(np.array(keys, np.int64), now_min, panes, kind)
        return points

    def _stored(self, end_ms: int) -> _Stored:
        path, key = self.question.place, self.question.indicator
        found = self._store.history(path, key, end_ms, end_ms, 1)
        revisions = self._store.revisions(path, key, end_ms, end_ms)
        known_ms = revisions[-1].known_ms if revisions else 0
        if not found:
            for row in self._store.last():
                if (row.path, row.indicator, row.end_ms) == (path, key, end_ms):
                    sample = Sample(row.end_ms, row.value, row.level, row.cov, row.n, row.rev,
                                    row.state, row.value, row.value, row.level, 1)
                    return _Stored(sample, row.known_ms, revisions)
            return _Stored(None, known_ms, revisions)
        return _Stored(found[0], known_ms, revisions)

    def _head(
        self, window: _Window, windows: Windows, place: PlaceKey, now_ns: int, stored: _Stored
    ) -> dict[str, Any]:
        entry, members = self.entry, windows.family.members
        state = PointState(stored.sample.state) if stored.sample else (
            PointState.CLOSED if window.end_min * MINUTE_NS <= now_ns else PointState.OPEN)
        if state == PointState.CLOSED and window.end_min * MINUTE_NS + HORIZON_NS < now_ns:
            state = PointState.FINAL
        return {
            "format": FORMAT, "place": place.path, "scope": place.scope,
            "indicator": entry.key, "name": entry.name, "unit": entry.unit,
            "digits": entry.digits,
            "standard": {
                "name": entry.standard, "clause": entry.clause, "rule": entry.rule,
                "url": self.recipe.url, "area": entry.area if not place.station else None,
                "unconfirmed": list(entry.open_marks),
            },
            "window": {
                "start_ms": window.start_min * 60_000, "end_ms": window.end_min * 60_000,
                "zone": members.registry.zone_at(
                    members.places[window.member], window.start_min * 60_000),
                "reads_from_ms":
                    min(window.start_min, window.end_min - self.recipe.back_min) * 60_000,
            },
            "state": STATE_WORDS[state],
            "rev": stored.sample.rev if stored.sample else None,
        }

    def _station(self, built: Reconstruction, row: int, window: _Window) -> dict[str, Any] | None:
        """Name and position of a station by the row in force when the window began."""
        said = built.vitals.registry.attributes_at(row, window.start_min * 60_000)
        return {"name": said.name, "lat": said.lat, "lon": said.lon} if said else None

    def _told(self, account: Account) -> dict[str, Any]:
        cover = account.coverage
        share = cover.had / cover.owed if cover.owed else 0.0
        return {
            "coverage": {
                "had": number(cover.had), "owed": number(cover.owed), "of": cover.what,
                "share": number(min(share, 1.0)), "rule": cover.rule,
            },
            "steps": [_step(step) for step in account.steps],
        }

    def _stored_row(self, stored: _Stored) -> dict[str, Any] | None:
        row = stored.sample
        if row is None:
            self.notes.append("the store holds no point of this window")
            return None
        sufficient = row.level != INSUFFICIENT
        return {"value": row.value if sufficient else None, "level": row.level,
                "cov": row.cov, "n": row.n, "rev": row.rev, "known_ms": stored.known_ms or None}

    def _equal(
        self, result: dict[str, Any] | None, stored: _Stored, *, late: bool
    ) -> bool | None:
        """Whether the archive yields what was stored; None where there is nothing to compare."""
        if stored.sample is None or result is None:
            return None
        if stored.sample.state == PointState.OPEN:
            self.notes.append("the window is in progress: readings may have come since")
        known = self._stored_row(stored)
        if known is None:
            return None
        equal = all(result[name] == known[name] for name in ("value", "level", "n"))
        if not equal and late and self.entry.key == _SLIDING:
            self.notes.append(
                "readings came late and are counted here; of more than "
                f"{POWER_SERIES_MAX} series of power ingest does not keep the minutes, and says "
                "their sliding demand anew for 45 minutes only")
        return equal

    def _searched(self, built: Reconstruction) -> dict[str, Any]:
        found = built.searched
        if not found.segments:
            self.notes.append("the archive holds nothing of the time of this window")
        if found.damaged:
            self.notes.append("parts of the archive are damaged; what they held is not here")
        return {"segments": found.segments, "bytes": found.bytes, "damaged": found.damaged}


def _step(step: Step) -> dict[str, Any]:
    return {"name": step.name, "formula": step.formula, "given": step.given,
            "found": step.found, "clause": step.clause}


def explain(data: Path, question: Question, stop: Stop = lambda: False) -> dict[str, Any]:
    """How a point of the data folder came about; see `docs/explain.md`."""
    return Explanation(data, question, stop).answer()
