"""The simulated city's past through the very line that takes its present.

Readings come as columns from the simulator, pass the same judge, are archived, and the clock is
the readings' own: receive time equals event time.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cityvitals.past_points import PastPoints
from edge.places import PlaceKey
from edge.quantities import INDEX, QUANTITIES
from edge.verdicts import Verdict
from engine.batch import Batch
from engine.registry import Series
from ingest.facts_in_force import FactsFile
from ingest.judging import judge
from ingest.line import Line
from ingest.outlets import Outlets
from ingest.settings_influx import InfluxSettings
from ingest.spool import Spool
from ingest.store import Store
from simulators.city import City, Columns

if TYPE_CHECKING:
    from ingest.influx import InfluxSink

STEP_MS = 24 * 3_600_000
"""Time between two ticks of the coarse past: one 03:00 at most, which freezes free-flow speeds."""
FINE_STEP_MS = 240 * 60_000
"""Longer steps yield the same points at less cost: 5 days with 4 h and 24 h took 20 % less CPU than
with 45 min and 12 h, and not one point differed."""
DAY_MS = 86_400_000
FINE_PERIOD_S = 60
LIVED = 0.99
"""Progress when all is lived; the rest is for what is written at the end."""
FINE_DAYS = 2
HERTZ_DAYS = 8
"""Frequency has means of ten seconds so far back: a week of whole days is held to EN 50160."""
_NAMES = list(QUANTITIES)


class _Slots:
    """Slots of the city's series, by station and quantity."""

    def __init__(self, line: Line, city: City) -> None:
        self._line = line
        self._city = city
        self._table = np.full((len(city.stations), len(INDEX)), -1, np.int32)

    def of(self, columns: Columns) -> npt.NDArray[np.int32]:
        """int32[n], the slot of each reading; series are registered as they appear."""
        station, quantity = columns.station, columns.quantity
        slots = self._table[station, quantity]
        for row, kind in np.unique(
            np.stack([station[slots < 0], quantity[slots < 0]]).astype(np.int64), axis=1
        ).T.tolist():
            what = self._city.stations[row]
            registry = self._line.vitals.registry
            place = registry.place(PlaceKey(self._city.name, what.district, what.station))
            channel = self._city.channel(row, _NAMES[kind])
            series = Series(place, registry.device(what.device), kind, channel)
            self._table[row, kind] = registry.slot(series, self._line.vitals.panes)
        found: npt.NDArray[np.int32] = self._table[station, quantity]
        return found


def _batch(columns: Columns, slots: npt.NDArray[np.int32], line: Line) -> Batch:
    count = len(slots)
    registry = line.vitals.registry
    device_of = np.array([series.device for series in registry.series], np.int32)
    time_ns = columns.time_ms.astype(np.int64) * 1_000_000
    none = np.zeros(count, np.int64)
    batch = Batch(
        slots, time_ns, columns.value.astype(np.float64), np.zeros(count, np.uint8),
        device_of[slots], none, none, np.full(count, Verdict.APPLIED, np.uint8),
        int(time_ns[-1]),
    )
    judge(
        columns.quantity.astype(np.int64), batch.value, time_ns, time_ns, batch.flag,
        batch.verdict,
    )
    return batch


def _unstarted(spool: Spool) -> "InfluxSink":
    """What it is given waits in the spool until ingest runs and sends it."""
    from ingest.influx import InfluxSink

    return InfluxSink(InfluxSettings(), spool)


def backfill(
    folder: Path, city: City, start_ms: int, end_ms: int, progress: Callable[[float], None],
    *, influx: bool = False,
) -> None:
    """Live through `[start_ms, end_ms)` in the data folder; `progress` gets 0..1.

    The last two days come a reading a minute, what is before them as `City.coarse_readings` has
    it; frequency every ten seconds of the last eight. With `influx` the points wait in the spool
    for ingest to send.
    """
    # Roll-ups for InfluxDB read the store as it grows, so all stays in this process then.
    spool = Spool.create(folder / "spool.db") if influx else None
    outlet: PastPoints | Outlets = (
        PastPoints(folder / "store.db") if spool is None
        else Outlets(Store.create(folder / "store.db"), _unstarted(spool))
    )
    line = Line(folder / "ingest", outlet, 60)
    line.open()
    line.load_places(folder / "places.csv", start_ms * 1_000_000)
    FactsFile(folder).look(line, start_ms * 1_000_000)
    line.vitals.enrol()
    slots = _Slots(line, city)
    # A past that was cut off (Ctrl-C, kill) goes on after its newest reading: counted once.
    newest_ns = line.vitals.series.last_ns[: len(line.vitals.registry.series)].max(initial=0)
    start_ms = max(start_ms, int(newest_ns) // 1_000_000 + 1)
    fine_ms = max(start_ms, end_ms - FINE_DAYS * DAY_MS)
    spans = [
        *((at, min(at + STEP_MS, fine_ms), True) for at in range(start_ms, fine_ms, STEP_MS)),
        *((at, min(at + FINE_STEP_MS, end_ms), False)
          for at in range(fine_ms, end_ms, FINE_STEP_MS)),
    ]
    for first, last, coarse in spans:
        parts = (
            [city.coarse_readings(first, last)] if coarse
            else city.readings(first, last, FINE_PERIOD_S)
        )
        hertz = city.hertz(max(first, end_ms - HERTZ_DAYS * DAY_MS), last, minutes=coarse)
        for columns in (*parts, hertz):
            if len(columns.time_ms):
                line.add(_batch(columns, slots.of(columns), line))
        line.tick(last * 1_000_000, with_open=False)
        progress(LIVED * (last - start_ms) / max(end_ms - start_ms, 1))
    line.vitals.take_restated()
    if isinstance(outlet, PastPoints):
        outlet.close()
        outlet = Outlets(Store.create(folder / "store.db"))
    outlet.places(line.vitals)
    outlet.readings(line.vitals)
    outlet.rollups(line.vitals)
    line.close()
    outlet.store.close()
    if spool is not None:
        spool.close()
    progress(1.0)
