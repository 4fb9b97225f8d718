"""The engine alone: state update, tick and memory of a city of many series.

No socket, no archive: columns into `Vitals.apply`, time into `Vitals.tick`, points out. Half an
hour passes that holds a full hour; every series reports once a minute.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.goals import Column, Goal, goal
from edge.places import PlaceKey, PlaceRow
from edge.quantities import INDEX
from edge.verdicts import Verdict
from engine.batch import Batch
from engine.panes import FINE_LEVELS, MINUTE_NS
from engine.registry import Series
from engine.vitals import Vitals

QUANTITIES = ("pm25", "no2", "speed", "count", "power")
STATIONS_A_DISTRICT = 100
START_MIN = 1_790_000_000 // 86_400 * 1440 + 8 * 60 + 45
"""A quarter to nine, UTC, of a day; the first quarter of an hour is not measured."""
WARM_MIN = 10
BATCH = 20_000


class Wanted(NamedTuple):
    """How much to measure. repeats: passes over all series for the state update."""

    series: int = 100_000
    minutes: int = 30
    repeats: int = 5


def city(series: int) -> tuple[Vitals, npt.NDArray[np.int32]]:
    """State of a city with `series` series, a quantity each at a station of its own device."""
    vitals = Vitals()
    stations = -(-series // len(QUANTITIES))
    rows = [
        PlaceRow(0, "bench", f"d{k // STATIONS_A_DISTRICT}", f"s{k}", f"dev{k}", f"S{k}", 41.0,
                 -8.0, "Europe/Lisbon", 60.0, length_km=1.0, lanes=2, posted_kmh=50.0)
        for k in range(stations)
    ]
    vitals.load_places(rows)
    registry = vitals.registry
    slots = []
    for k in range(series):
        row = rows[k // len(QUANTITIES)]
        place = registry.place(PlaceKey(row.city, row.district, row.station))
        slots.append(registry.slot(Series(
            place, registry.device(row.device), INDEX[QUANTITIES[k % len(QUANTITIES)]], "",
        ), vitals.panes))
    return vitals, np.array(slots, np.int32)


def batch(slots: npt.NDArray[np.int32], time_ns: npt.NDArray[np.int64], seed: int) -> Batch:
    """Readings of `slots`, plausible for every quantity."""
    rng = np.random.default_rng(seed)
    count = len(slots)
    zeros = np.zeros(count, np.int64)
    return Batch(
        slots, time_ns, np.round(rng.uniform(5, 60, count), 2), np.ones(count, np.uint8),
        np.zeros(count, np.int32), zeros, zeros, np.full(count, Verdict.APPLIED, np.uint8),
        int(time_ns.max()),
    )


def rows(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Measure; one row for each figure."""
    vitals, slots = city(wanted.series)
    yield from _passing(vitals, slots, wanted)
    yield from _updates(vitals, slots, wanted)
    yield from memory(vitals)


def _passing(
    vitals: Vitals, slots: npt.NDArray[np.int32], wanted: Wanted
) -> Iterator[dict[str, Any]]:
    """Minutes pass: a reading of every series, then the tick that closes what is due."""
    rng = np.random.default_rng(7)
    took: list[float] = []
    opened: list[float] = []
    points = 0
    for k in range(WARM_MIN + wanted.minutes):
        minute = START_MIN - WARM_MIN + k
        at_ns = minute * MINUTE_NS + rng.integers(0, MINUTE_NS, len(slots))
        vitals.apply(batch(rng.permutation(slots), at_ns, k))
        now_ns = (minute + 1) * MINUTE_NS + 5 * 10**9
        begun = time.perf_counter()
        found = len(vitals.tick(now_ns, with_open=False))
        middle = time.perf_counter()
        vitals.tick(now_ns + 2 * 10**9, with_open=True)
        ended = time.perf_counter()
        if k >= WARM_MIN:
            took.append((middle - begun) * 1e3)
            opened.append((ended - middle) * 1e3)
            points += found
    for what, times in (("tick of a minute", took), ("tick with windows in progress", opened)):
        yield {
            "what": what, "series": wanted.series, "unit": "ms",
            "median": round(statistics.median(times), 1), "worst": round(max(times), 1),
        }
    yield {"what": "points closed", "series": wanted.series, "unit": "in all", "median": points}


def _updates(
    vitals: Vitals, slots: npt.NDArray[np.int32], wanted: Wanted
) -> Iterator[dict[str, Any]]:
    """All series once a pass, in another order each time, in batches as ingest makes them."""
    rng = np.random.default_rng(11)
    first_ns = (START_MIN + wanted.minutes) * MINUTE_NS
    took = []
    for number in range(wanted.repeats + 1):
        order = rng.permutation(slots)
        batches = [
            batch(part, np.full(len(part), first_ns + number * 10**9), number)
            for part in np.array_split(order, max(len(order) // BATCH, 1))
        ]
        begun = time.perf_counter()
        for one in batches:
            vitals.apply(one)
        took.append((time.perf_counter() - begun) / len(slots) * 1e9)
    yield {
        "what": "state update", "series": wanted.series, "unit": "ns a reading",
        "median": round(statistics.median(took[1:]), 1), "worst": round(max(took), 1),
    }


def memory(vitals: Vitals) -> Iterator[dict[str, Any]]:
    """Bytes that each series costs, by what is kept; rooms grow by doubling, so by the row."""
    panes, power = vitals.panes, vitals.power
    count = len(vitals.registry.series)

    def row(what: str, size: float, of: str = "each series") -> dict[str, Any]:
        return {"what": what, "series": count, "unit": f"bytes, {of}", "median": round(size)}

    ring = panes.minutes[:1].nbytes
    long = sum(part[:1].nbytes for part in panes.coarse)
    yield row("minute ring", ring)
    yield row("hours and days", long)
    yield row("minute ring, hours and days", ring + long)
    for level in range(FINE_LEVELS):
        names = [name for name in QUANTITIES if panes.rows[level][
            vitals.registry.quantity[: panes.rows.shape[1]] == INDEX[name]].max(initial=-1) >= 0]
        if names:
            yield row(f"panes of {5 * (level + 1)} min", panes.fine[level][:1].nbytes,
                      " and ".join(names))
    if power.rows:
        arrays = (power.sums, power.counts, power.days)
        yield row("minutes of power", sum(part[:1].nbytes for part in arrays), "power")
    followed = vitals.series.table[:1].nbytes + 16
    yield row("followed, changed", followed)
    kept = count * (ring + long + followed) + power.rows * (
        power.sums[:1].nbytes + power.counts[:1].nbytes + power.days[:1].nbytes
    ) + sum(rows * panes.fine[k][:1].nbytes for k, rows in enumerate(panes.fine_rows))
    yield row("everything, mean of all series", kept / count)


COLUMNS = (
    Column("what", "what"), Column("series", "series", ",d"), Column("median", "median", ",.10g"),
    Column("worst", "worst", ",.10g"), Column("unit", "unit"),
)


def goals(found: list[dict[str, Any]]) -> list[Goal]:
    """The rows of the design's table that concern the engine."""
    by = {row["what"]: row for row in found}

    def of(what: str) -> float | None:
        value = by.get(what, {}).get("median")
        return None if value is None else float(value)

    return [
        goal("state update, ns a reading", -60, of("state update"), ".0f"),
        goal("tick of a minute, ms", -200, of("tick of a minute"), ".0f"),
        goal("minute ring, bytes a series", -4096, of("minute ring"), ",.0f"),
        goal("minute ring, hours and days, bytes a series", -16384,
             of("minute ring, hours and days"), ",.0f"),
        goal("everything that is kept, mean bytes a series", -16384,
             of("everything, mean of all series"), ",.0f"),
    ]
