"""Sensors that do not tell the truth: from true readings to those that are published.

A fault is a row of data (`simulators.scenario.Fault`). What it does to a reading is a function of
seed, series and time alone, so a recording, a live fleet and a second run tell the same lies.
Faults of the value come first, then those of the clock, of the way, and losses.
"""

from dataclasses import dataclass
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from simulators import signals
from simulators.city import PER_UNIT, City, Columns
from simulators.forces import Span, span_of
from simulators.scenario import Fault, FaultKind, duration_ms, rows_of
from simulators.signals import Floats, Times

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
SHARES = {"duplicate": 0.2, "reorder": 0.3}
"""Of the readings that are hit, where the scenario does not say; all of them elsewhere."""
SIZES = {"unit": 1000.0, "fast_clock": 120.0, "jumping_clock": 3600.0, "spike": 100.0}
_DIGITS = np.array([PER_UNIT.get(name, 10) for name in INDEX], np.float64)
Rows = npt.NDArray[np.intp]


class Published(NamedTuple):
    """What becomes of n true readings: k that are published, in the order of their sending.

    row: intp[k], which true reading. sent_ms, time_ms: int64[k], when it leaves the device and
    what it says of its own time. value: float64[k]. faults: uint64[n], a bit for each row of
    `Faults.active` that touched the true reading.
    """

    row: Rows
    sent_ms: Times
    time_ms: Times
    value: Floats
    faults: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Active:
    """One fault at one station. quantity: row of the quantities, -1 for all that it measures."""

    number: int
    fault: Fault
    station: int
    quantity: int
    span: Span


class _Hit(NamedTuple):
    """Readings that one fault touches, with random numbers 0..1 of their own."""

    rows: Rows
    lot: Floats
    other: Floats


FAULTS_MAX = 64
"""Faults at stations, of all tables together: a reading says in 64 bits which touched it."""


class Faults:
    """All faults of a scenario at the stations of a city."""

    def __init__(self, city: City) -> None:
        """Raises ValueError where the patterns of the scenario make too many of them."""
        self._city = city
        self.active: list[Active] = []
        for fault in city.scenario.fault:
            span = span_of(fault, city.start_ms)
            quantity = INDEX[fault.quantity] if fault.quantity else -1
            for station in rows_of(fault.where, city.stations):
                measured = city.stations[station].quantities
                if fault.quantity and fault.quantity not in measured:
                    continue
                self.active.append(Active(len(self.active), fault, station, quantity, span))
        if len(self.active) > FAULTS_MAX:
            raise ValueError(
                f"the scenario has {len(self.active)} faults at stations, at most {FAULTS_MAX}"
            )
        self.stations = frozenset(one.station for one in self.active)
        self._keys = [
            signals.keys(city.seed, f"fault {one.number}", len(INDEX)) for one in self.active
        ]
        self._stuck: dict[tuple[int, int], Floats] = {}

    def apply(self, columns: Columns, step_ms: int) -> Published:
        """What is published of true readings that lie `step_ms` apart."""
        count = len(columns.time_ms)
        faults = np.zeros(count, np.uint64)
        value, time_ms = columns.value.copy(), columns.time_ms.copy()
        sent_ms = columns.time_ms.copy()
        lost = np.zeros(count, np.bool_)
        again: list[tuple[Rows, Times]] = []
        for one in self.active:
            hit = self._hit(one, columns, step_ms)
            if not len(hit.rows):
                continue
            faults[hit.rows] |= np.uint64(1 << one.number)
            self._bend_value(one, hit, columns, step_ms, value)
            _bend_clock(one, hit, columns, self._keys[one.number], time_ms)
            _delay(one, hit, sent_ms)
            if one.fault.kind in ("dropout", "battery"):
                lost[hit.rows] = True
            if one.fault.kind == "duplicate":
                wait = hit.other * duration_ms(one.fault.delay)
                again.append((hit.rows, columns.time_ms[hit.rows] + wait.astype(np.int64)))
        row = np.concatenate([np.nonzero(~lost)[0], *(rows[~lost[rows]] for rows, _ in again)])
        sent = np.concatenate([
            sent_ms[~lost], *(np.maximum(at, sent_ms[rows])[~lost[rows]] for rows, at in again)
        ])
        order = np.argsort(sent, kind="stable")
        row, sent = row[order], sent[order]
        return Published(row, sent, time_ms[row], value[row], faults)

    def _hit(self, one: Active, columns: Columns, step_ms: int) -> _Hit:
        time_ms, fault = columns.time_ms, one.fault
        here = (columns.station == one.station) & (time_ms >= one.span.start_ms)
        here &= time_ms < one.span.end_ms
        if one.quantity >= 0:
            here &= columns.quantity == one.quantity
        rows = np.nonzero(here)[0]
        at = time_ms[rows]
        # The radio takes a device's message as a whole; a sensor is hit on its own.
        whole = fault.kind in ("dropout", "battery", "reorder", "duplicate", "late")
        key = self._keys[one.number][columns.quantity[rows] if not whole else 0 * rows]
        lot = signals.uniform(signals.drawn(key, at))
        other = signals.uniform(signals.drawn(key, at + 1))
        wanted = SHARES.get(fault.kind, 1.0) if fault.share is None else fault.share
        share = np.full(len(at), wanted)
        if fault.kind == "battery":
            gone = (at - one.span.start_ms) / max(one.span.end_ms - one.span.start_ms, 1)
            share = np.minimum(2.0 * gone, 1.0)
        if fault.kind == "spike":
            kept = self._spikes(one, key, at, step_ms)
            kept &= lot < share
        else:
            kept = np.broadcast_to(lot < share, lot.shape)
        return _Hit(rows[kept], lot[kept], other[kept])

    def _spikes(
        self, one: Active, key: signals.Keys, at: Times, step_ms: int
    ) -> npt.NDArray[np.bool_]:
        """One reading in each stretch of `every`, at a random place of it."""
        every = max(duration_ms(one.fault.every), step_ms)
        slot = at // every
        place = signals.uniform(signals.drawn(key, slot - (1 << 40)))
        steps = (place * (every // step_ms)).astype(np.int64)
        first = -(-slot * every // step_ms)
        hit: npt.NDArray[np.bool_] = at // step_ms == first + steps
        return hit

    def _bend_value(
        self, one: Active, hit: _Hit, columns: Columns, step_ms: int, value: Floats
    ) -> None:
        kind, fault, rows = one.fault.kind, one.fault, hit.rows
        size = SIZES.get(kind, 0.0) if fault.size is None else fault.size
        if kind == "stuck":
            value[rows] = self._held(one, step_ms)[columns.quantity[rows]]
        elif kind == "spike":
            value[rows] += size
        elif kind == "drift":
            hours = (columns.time_ms[rows] - one.span.start_ms) / 3_600_000
            value[rows] += fault.per_hour * hours
        elif kind == "unit":
            value[rows] *= size
        else:
            return
        digits = _DIGITS[columns.quantity[rows]]
        value[rows] = np.rint(value[rows] * digits) / digits

    def _held(self, one: Active, step_ms: int) -> Floats:
        """float64[quantities]: what the station measured when it became stuck."""
        key = (one.number, step_ms)
        if key not in self._stuck:
            first = -(-one.span.start_ms // step_ms) * step_ms
            held = np.full(len(INDEX), np.nan)
            at = self._city.stations[one.station].quantities
            held[[INDEX[q] for q in at]] = self._city.measured(one.station, first, step_ms / 1000)
            self._stuck[key] = held
        return self._stuck[key]


def _bend_clock(
    one: Active, hit: _Hit, columns: Columns, keys: signals.Keys, time_ms: Times
) -> None:
    """What the device believes its time to be: all its quantities alike."""
    kind, fault = one.fault.kind, one.fault
    if kind not in ("fast_clock", "jumping_clock"):
        return
    ahead_ms = 1000 * (SIZES[kind] if fault.size is None else fault.size)
    if kind == "fast_clock":
        time_ms[hit.rows] += round(ahead_ms)
        return
    slot = columns.time_ms[hit.rows] // max(duration_ms(fault.every), 1)
    jump = 2.0 * signals.uniform(signals.drawn(np.full(len(slot), keys[0]), slot)) - 1.0
    time_ms[hit.rows] += np.rint(jump * ahead_ms).astype(np.int64)


def _delay(one: Active, hit: _Hit, sent_ms: Times) -> None:
    if one.fault.kind == "late":
        sent_ms[hit.rows] = one.span.end_ms
    elif one.fault.kind == "reorder":
        wait = hit.other * duration_ms(one.fault.delay)
        sent_ms[hit.rows] += wait.astype(np.int64)
