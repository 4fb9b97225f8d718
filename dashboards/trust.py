"""Is the data trustworthy? Pure judgement over the health object that ingest writes.

`good`: nothing below is true. `degraded`: numbers stand, but some are missing or not stored
everywhere. `bad`: do not act on the numbers. Reasons of grade `note` do not lower the trust.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from dashboards import texts

Health = dict[str, Any]

INGEST_SILENT_MS_MAX = 5_000
"""Ingest writes its health each second; older than this it counts as stopped."""
REPORTING_GOOD_MIN = 0.95
REPORTING_BAD_MIN = 0.5
REFUSED_SHARE_MAX = 0.01
SILENT_NAMED_MAX = 3
NEVER_S = 1e9
"""The age that ingest gives a station which has never sent."""

GRADES = ("note", "degraded", "bad")


class Reason(NamedTuple):
    """Why trust is not plain good: `grade` is note, degraded or bad; `place` may be empty."""

    code: str
    grade: str
    text: str
    place: str = ""
    since_ms: int | None = None


class Trust(NamedTuple):
    """`trust` is good, degraded or bad; counts are of active stations."""

    trust: str
    why: list[Reason]
    stations: int
    reporting: int


def stopped(health: Health | None, wall_ms: int) -> bool:
    """True if ingest has not written for longer than `INGEST_SILENT_MS_MAX`."""
    return health is None or wall_ms - int(health["at_ms"]) > INGEST_SILENT_MS_MAX


def now_ms(health: Health | None, wall_ms: int) -> int:
    """The time that ages count against: wall clock, or the recording's own clock.

    A recording's clock goes on by the wall clock once ingest has stopped, so that ages grow.
    """
    if health is None or health["clock"]["kind"] != "recorded":
        return wall_ms
    clock_ms = int(health["clock"]["now_ms"])
    return clock_ms + (wall_ms - int(health["at_ms"]) if stopped(health, wall_ms) else 0)


def clock(health: Health | None, wall_ms: int, past: float | None = None) -> dict[str, Any]:
    """The clock as answers carry it: kind, now, wall clock, and whether ingest moves it.

    past: how much of the city's past is computed, where that is why ingest does not.
    """
    kind = health["clock"]["kind"] if health else "wall"
    moving = not stopped(health, wall_ms)
    at = now_ms(health, wall_ms)
    return {"kind": kind, "now_ms": at, "wall_ms": wall_ms, "moving": moving,
            "past": None if moving else past}


def refused(verdicts: dict[str, int]) -> int:
    """Readings refused for whatever reason."""
    return sum(count for label, count in verdicts.items() if label.startswith("refused_"))


def held(verdicts: dict[str, int]) -> int:
    """Readings that wait: unknown device, or a time in the future."""
    return sum(count for label, count in verdicts.items() if label.startswith("held_"))


def _reason(code: str, grade: str, since_ms: int | None = None, place: str = "",
            **fills: object) -> Reason:
    return Reason(code, grade, texts.say(f"why.{code}", **fills), place, since_ms)


def _pipeline(health: Health, wall_ms: int) -> list[Reason]:
    """Ingest, broker and sinks."""
    why = []
    if stopped(health, wall_ms):
        since = int(health["at_ms"])
        why.append(_reason("ingest_stopped", "bad", since, age=texts.age(wall_ms - since)))
    broker = health["broker"]
    if not broker["connected"]:
        since = int(broker["since_ms"])
        why.append(_reason("broker_away", "bad", since, url=broker["url"],
                           age=texts.age(wall_ms - since)) if since
                   else _reason("broker_never", "bad", url=broker["url"]))
    for sink in health["sinks"]:
        if sink["error"]:
            since = int(sink["ok_ms"])
            why.append(_reason("sink_error", "degraded", since or None, name=sink["name"],
                               error=sink["error"], queued=sink["queued"]))
    return why


def _active(health: Health, stations: Mapping[str, str]) -> int:
    """How many stations have a device: of those that were retired only the past is known."""
    return min(int(health.get("places", len(stations))), len(stations))


def _silent_count(health: Health, stations: Mapping[str, str]) -> int:
    """How many are silent: the list names the longest silent ones only."""
    listed = sum(row["place"] in stations for row in health["silent"])
    unlisted = int(health.get("silent_count", 0)) - len(health["silent"])
    return min(listed + max(unlisted, 0), _active(health, stations))


def _stations(health: Health, wall_ms: int, stations: Mapping[str, str]) -> list[Reason]:
    """Silent stations; the few longest silent are named. Once ingest has stopped ages go on."""
    silent = [row for row in health["silent"] if row["place"] in stations]
    if not silent:
        return []
    count, active = _silent_count(health, stations), _active(health, stations)
    share = 1 - count / max(active, 1)
    grade = "note" if share >= REPORTING_GOOD_MIN else "degraded"
    if share < REPORTING_BAD_MIN:
        grade = "bad"
    clock_ms, at_ms = int(health["clock"]["now_ms"]), now_ms(health, wall_ms)
    why = [_reason("stations_silent", grade, silent=count, stations=active)]
    longest = sorted(silent, key=lambda row: -row["age_s"])[:SILENT_NAMED_MAX]
    for row in longest:
        name = stations[row["place"]]
        if row["age_s"] >= NEVER_S:
            why.append(_reason("station_never", "note", None, row["place"], name=name))
            continue
        since_ms = clock_ms - round(row["age_s"] * 1000)
        why.append(_reason("station_silent", "note", since_ms, row["place"],
                           name=name, age=texts.age(at_ms - since_ms)))
    return why


def _readings(health: Health) -> list[Reason]:
    """Refused readings, held devices and dead letters."""
    why = []
    count, received = refused(health["verdicts"]), int(health["received"])
    if count:
        grade = "degraded" if count > REFUSED_SHARE_MAX * received else "note"
        why.append(_reason("refused", grade, count=f"{count:,}", received=f"{received:,}"))
    if health["held"]:
        first = min(int(row["first_ms"]) for row in health["held"])
        why.append(_reason("held", "note", first, count=len(health["held"])))
    return why


def judge(
    health: Health | None, wall_ms: int, stations: Mapping[str, str], past: float | None = None
) -> Trust:
    """Judge the data at `wall_ms` for `stations` (path and name), retired ones included.

    While the city's past is computed (`past`, 0..1) nothing else is said of an ingest to come.
    """
    if past is not None and stopped(health, wall_ms):
        reason = _reason("past", "bad", done=f"{past * 100:.0f}\u00a0%")
        return Trust("bad", [reason], len(stations), 0)
    if health is None:
        return Trust("bad", [_reason("no_health", "bad")], len(stations), 0)
    active = _active(health, stations)
    reporting = active - _silent_count(health, stations)
    why = _pipeline(health, wall_ms) + _stations(health, wall_ms, stations)
    why += _readings(health)
    if not stations:
        why.append(_reason("no_stations", "note"))
    if health.get("catching_up") and not stopped(health, wall_ms):
        since = int(health["started_ms"])
        why.append(_reason("catching_up", "note", since, age=texts.age(wall_ms - since)))
    worst = max((GRADES.index(reason.grade) for reason in why), default=0)
    why.sort(key=lambda reason: -GRADES.index(reason.grade))
    return Trust(("good", "degraded", "bad")[worst], why, active, reporting)
