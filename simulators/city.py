"""Simville: a simulated city whose readings are a function of seed, station, quantity and time.

A history computed in columns and a driver asked once a second give the same value for the same
instant, so a backfilled past and a live present join without a seam.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.places import PlaceRow
from edge.quantities import INDEX
from simulators import districts
from simulators.forces import Forces
from simulators.model import ORIGIN_S, Model
from simulators.scenario import NOTHING, Scenario
from simulators.signals import Floats, Times

PERIOD_S_MAX = 900
"""Longest interval of reports: a motorway counts at most 1,350 vehicles in it."""
COARSE_S = {"air": 900.0, "road": 300.0, "feeder": 900.0}
"""How often each kind of station reports in the part of the past that is kept coarse."""
NOT_ARCHIVED = (INDEX["count"], INDEX["frequency"])
"""Quantities of which the coarse past has nothing: of roads it knows the speeds alone. Flow,
density and delay of 35 days would be half of all points, and every start would wait for them.
Frequency has a past of its own, see `City.hertz`."""
HERTZ_MS, MINUTE_MS = 10_000, 60_000
CHUNK_S = 3600
INSTANTS_MIN = 96
"""Computing fewer instants at once costs more in calls than in arithmetic."""
COLUMNS_CACHED_MAX = 8
SILENT_PATH = "harbour/air-10"
"""The one station with a built-in fault: its radio link fails, see `City.silent`."""

PER_UNIT = {
    "pm25": 10, "pm10": 10, "no2": 10, "o3": 10, "so2": 10, "co": 100, "temp": 10, "rh": 10,
    "speed": 10, "count": 1, "power": 100, "energy": 100, "voltage": 10,
    "laeq": 10, "generation": 100, "frequency": 1000,
}
"""Steps of the sensors: 10 means that they report tenths of the unit."""


class Columns(NamedTuple):
    """Readings as columns of one length, sorted by time, then station, then quantity.

    time_ms: int64, Unix ms UTC. station: int32, row of `City.stations`. quantity: uint8,
    `edge.quantities.INDEX`. value: float64 in the quantity's unit.
    """

    time_ms: Times
    station: npt.NDArray[np.int32]
    quantity: npt.NDArray[np.uint8]
    value: Floats

    def take(self, rows: npt.NDArray[Any]) -> "Columns":
        """The readings at `rows` (indices or mask)."""
        return Columns(
            self.time_ms[rows], self.station[rows], self.quantity[rows], self.value[rows]
        )


def period_ms(period_s: float) -> int:
    """The period in whole milliseconds. Raises ValueError outside 0.1 s to `PERIOD_S_MAX`."""
    if not 0.1 <= period_s <= PERIOD_S_MAX:
        raise ValueError(f"period {period_s} s: must lie between 0.1 and {PERIOD_S_MAX}")
    return round(period_s * 1000)


class City:
    """A city of three districts and 72 stations; every seed gives another course of events.

    What a scenario holds begins at `start_ms`, Unix ms UTC.
    """

    name = districts.CITY

    def __init__(
        self, seed: int = 1, scenario: Scenario = NOTHING, start_ms: int = 0
    ) -> None:
        self.seed, self.scenario, self.start_ms = seed, scenario, start_ms
        self.stations = districts.stations()
        self.forces = Forces(scenario, self.stations, start_ms)
        self._model = Model(seed, self.stations, self.forces)
        series = [(row, q) for row, at in enumerate(self.stations) for q in at.quantities]
        self._station = np.array([row for row, _ in series], dtype=np.int32)
        self._quantity = np.array([INDEX[q] for _, q in series], dtype=np.uint8)
        self._per_unit = np.array([PER_UNIT[q] for _, q in series], dtype=np.float64)
        self._first = np.searchsorted(self._station, np.arange(len(self.stations) + 1))
        self._picks = self._where(series)
        paths = [station.path for station in self.stations]
        self._silent_column = self._station == paths.index(SILENT_PATH)
        self._silent_station = paths.index(SILENT_PATH)
        self._cache: dict[tuple[int, int], list[float]] = {}

    def channel(self, station: int, quantity: str) -> str:
        """The channel of a series: of generation its source, else none."""
        return self.stations[station].source if quantity == "generation" else ""

    def _where(self, series: list[tuple[int, str]]) -> dict[str, tuple[list[int], list[int]]]:
        """For each quantity its columns here, and its columns in what the model returns."""
        rank: dict[int, int] = {}
        for kind in ("air", "road", "feeder"):
            rows = [i for i, station in enumerate(self.stations) if station.kind == kind]
            rank.update((row, position) for position, row in enumerate(rows))
        picks: dict[str, tuple[list[int], list[int]]] = {}
        for column, (row, quantity) in enumerate(series):
            here, there = picks.setdefault(quantity, ([], []))
            here.append(column)
            there.append(rank[row])
        return picks

    def place_rows(self, start_ms: int, fine_ms: int, live_ms: int, live_s: float = 1.0) -> list[
        PlaceRow
    ]:
        """Dated places: coarse from `start_ms`, 60 s from `fine_ms`, `live_s` after.

        Coarse is as `coarse_readings` has it.
        """
        steps = ((start_ms, None), (fine_ms, 60.0), (live_ms, live_s))
        return [
            PlaceRow(
                begin, self.name, at.district, at.station, at.device, at.name, at.lat, at.lon,
                at.tz, period or COARSE_S[at.kind], at.length_km, at.lanes, at.posted_kmh,
                at.customers, road_class=at.road_class, capacity_vph=at.capacity_vph,
                occupants=districts.OCCUPANTS if at.lanes else 0.0,
            )
            for begin, period in steps
            for at in self.stations
        ]

    def silent(self, time_ms: Times) -> npt.NDArray[np.bool_]:
        """bool[n]: instants at which the station `SILENT_PATH` sends nothing.

        The last two of every six hours UTC: 04-06, 10-12, 16-18 and 22-24.
        """
        return np.asarray(time_ms // 3_600_000 % 6 >= 4)

    def values(self, time_ms: Times, period_s: float) -> Floats:
        """float64[n, series] at instants int64[n], in the resolution of the sensors.

        Raises ValueError before 2024, when simville was founded.
        """
        if len(time_ms) and int(time_ms.min()) < ORIGIN_S * 1000:
            raise ValueError("simville has no past before 2024-01-01T00:00:00Z")
        at = self._model.instants(time_ms)
        load = self._model.load(at)
        signals = self._model.traffic(at, load, period_s)
        signals.update(self._model.pollution(at, load))
        signals["laeq"] = self._model.sound(at, load)
        signals.update(self._model.grid(at))
        raw = np.empty((len(time_ms), len(self._station)))
        for quantity, (here, there) in self._picks.items():
            raw[:, here] = signals[quantity][:, there]
        # Dividing a whole number by a power of ten gives the very float of the decimal text.
        return np.rint(raw * self._per_unit) / self._per_unit + 0.0

    def readings(self, start_ms: int, end_ms: int, period_s: float) -> Iterator[Columns]:
        """All readings of [start_ms, end_ms) in chunks of about an hour.

        Times are the multiples of the period since the epoch.
        """
        step = period_ms(period_s)
        hour = max(1, CHUNK_S * 1000 // step)
        block = hour * max(1, INSTANTS_MIN // hour)
        first, last = -(-start_ms // step), -(-end_ms // step)
        for begin in range(first, last, block):
            time_ms = np.arange(begin, min(begin + block, last), dtype=np.int64) * step
            value = self.values(time_ms, period_s)
            heard = ~(self.silent(time_ms)[:, None] & self._silent_column[None, :])
            for row in range(0, len(time_ms), hour):
                rows = slice(row, row + hour)
                instant, column = np.nonzero(heard[rows])
                yield Columns(
                    time_ms[rows][instant], self._station[column], self._quantity[column],
                    value[rows][heard[rows]],
                )

    def coarse_readings(self, start_ms: int, end_ms: int) -> Columns:
        """Readings of [start_ms, end_ms) as an old archive has them: `COARSE_S` apart, and none of
        what is `NOT_ARCHIVED`."""
        shortest = min(COARSE_S.values())
        parts = list(self.readings(start_ms, end_ms, shortest))
        if not parts:
            return Columns(
                np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0)
            )
        time_ms, station, quantity, value = (
            np.concatenate(columns) for columns in zip(*parts, strict=True)
        )
        period = np.array([period_ms(COARSE_S[at.kind]) for at in self.stations])
        due = (time_ms % period[station] == 0) & ~np.isin(quantity, NOT_ARCHIVED)
        return Columns(time_ms[due], station[due], quantity[due], value[due])

    def hertz(self, start_ms: int, end_ms: int, *, minutes: bool) -> Columns:
        """Frequency of [start_ms, end_ms) every ten seconds, as EN 50160 asks for it; without
        `minutes` what `readings` of a minute leave out."""
        time_ms = np.arange(-(-start_ms // HERTZ_MS), -(-end_ms // HERTZ_MS)) * HERTZ_MS
        time_ms = time_ms[minutes | (time_ms % MINUTE_MS != 0)]
        value = self._model.frequency(time_ms / 1000.0) if len(time_ms) else np.empty(0)
        of = next(i for i, at in enumerate(self.stations) if "frequency" in at.quantities)
        steps = PER_UNIT["frequency"]
        return Columns(
            time_ms, np.full(len(time_ms), of, np.int32),
            np.full(len(time_ms), INDEX["frequency"], np.uint8), np.rint(value * steps) / steps,
        )

    def at(self, station: int, time_ms: int, period_s: float) -> list[float]:
        """Values of the quantities of one station; empty while it is silent.

        All stations are computed at once and kept for the next who ask for the same instant.
        """
        instant = np.array([time_ms], dtype=np.int64)
        if station == self._silent_station and self.silent(instant)[0]:
            return []
        return self.measured(station, time_ms, period_s)

    def measured(self, station: int, time_ms: int, period_s: float) -> list[float]:
        """As `at`, whether or not the station is silent."""
        key = (time_ms, period_ms(period_s))
        if key not in self._cache:
            while len(self._cache) >= COLUMNS_CACHED_MAX:
                del self._cache[next(iter(self._cache))]
            instant = np.array([time_ms], dtype=np.int64)
            self._cache[key] = self.values(instant, period_s)[0].tolist()
        return self._cache[key][self._first[station] : self._first[station + 1]]
