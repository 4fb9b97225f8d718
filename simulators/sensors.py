"""The sensors of one station of simville, as the agent's driver: true, or with their faults."""

import heapq

import numpy as np

from edge.driver import Sample
from edge.quantities import INDEX
from simulators.city import City, Columns, period_ms
from simulators.faults import Faults
from simulators.truth import Truth

BACKLOG_MAX = 10
"""A driver that was not asked for a while looks back over at most so many of its periods."""
WAITING_MAX = 500_000
"""Readings of one station that wait to be sent; a late burst of a day at a second is 432,000."""


class SimulatedDriver:
    """Sensors read every `period_s`, as `edge.driver.Driver`; `truth` takes down what is bent."""

    def __init__(
        self, city: City, station_index: int, period_s: float = 1.0,
        faults: Faults | None = None, truth: Truth | None = None,
    ) -> None:
        self._city = city
        self._station = station_index
        self._quantities = city.stations[station_index].quantities
        self._channel = {
            name: city.channel(station_index, name) or None for name in self._quantities
        }
        self._period_s = period_s
        self._step = period_ms(period_s)
        self._last: int | None = None
        self._faults = faults if faults and station_index in faults.stations else None
        self._truth = truth
        self._waiting: list[tuple[int, int, Sample]] = []
        self._count = 0

    def samples(self, now_ms: int) -> list[Sample]:
        """What came due on the grid of the period since the last call, the oldest first."""
        latest = now_ms // self._step
        first = latest if self._last is None else self._last + 1
        due = range(max(first, latest - BACKLOG_MAX + 1), latest + 1)
        self._last = max(latest, self._last or latest)
        if self._faults is not None:
            return self._bent(self._faults, due, now_ms)
        return [
            Sample(quantity, step * self._step, value, channel=self._channel[quantity])
            for step in due
            for quantity, value in zip(
                self._quantities,
                self._city.at(self._station, step * self._step, self._period_s),
                strict=False,
            )
        ]

    def _bent(self, faults: Faults, due: range, now_ms: int) -> list[Sample]:
        """The same through the faults: what is sent by now, by its sending."""
        true = self._true(due)
        if len(true.time_ms):
            told = faults.apply(true, self._step)
            if self._truth is not None:
                self._truth.readings(true, told)
            names = [self._quantities[k % len(self._quantities)] for k in told.row.tolist()]
            columns = (told.sent_ms.tolist(), names, told.time_ms.tolist(), told.value.tolist())
            for sent_ms, name, time_ms, value in zip(*columns, strict=True):
                if len(self._waiting) < WAITING_MAX:
                    self._count += 1
                    sample = Sample(name, time_ms, value, channel=self._channel[name])
                    heapq.heappush(self._waiting, (sent_ms, self._count, sample))
        out = []
        while self._waiting and self._waiting[0][0] <= now_ms:
            out.append(heapq.heappop(self._waiting)[2])
        return out

    def _true(self, due: range) -> Columns:
        rows = [
            (step * self._step, values)
            for step in due
            if (values := self._city.at(self._station, step * self._step, self._period_s))
        ]
        each = len(self._quantities)
        codes = np.array([INDEX[name] for name in self._quantities], np.uint8)
        return Columns(
            np.repeat(np.array([time_ms for time_ms, _ in rows], np.int64), each),
            np.full(len(rows) * each, self._station, np.int32), np.tile(codes, len(rows)),
            np.array([value for _, values in rows for value in values], np.float64),
        )

    def close(self) -> None:
        """Nothing to release: these sensors do not exist. What was held back is lost with them."""
