"""The family of an indicator of the city's own: hourly means of a station, and the kernel."""

from typing import NamedTuple

import numpy as np

from edge.quantities import INDEX
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.family import (
    NOT_MEASURED,
    Bools,
    Cadence,
    Floats,
    Integers,
    Members,
    Result,
    Slots,
    anywhere,
    blank,
)
from engine.hour_means import HOUR_MIN, hour_means
from engine.hourly import Hourly
from engine.panes import HOUR, Panes
from engine.quality import gather_counts
from engine.registry import Registry


class Means(NamedTuple):
    """Hourly means by input, float64[k, inputs], NaN insufficient.

    minutes: float64[k, inputs], the most that a device vouches for. measured: bool[k, inputs],
    whether there is a device at all. readings: int64[k], behind the means.
    """

    value: Floats
    minutes: Floats
    measured: Bools
    readings: Integers


class OwnHours(Cadence):
    """One indicator of the city's own, each hour.

    An input is the mean of those of its devices that have 45 minutes of the hour.
    """

    def __init__(self, own: Hourly) -> None:
        super().__init__(Members(tuple(INDEX[name] for name in own.inputs)))
        self.own = own
        self.indicators = (POSITION[own.entry.key],)

    def enrol(self, registry: Registry) -> None:
        """Take in the stations that have every input."""
        wanted, known = set(self.members.inputs), set(self.members.places)
        found = registry.stations_with(self.own.inputs)
        self.members.enrol(registry, {
            place: by for place, by in found.items() if wanted <= set(by) or place in known
        })

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def means(self, members: Integers, hours: Integers, panes: Panes) -> Means:
        """What goes into the kernel; hours: int64[k], local numbers."""
        of, count, width = self.members, len(members), len(self.own.inputs)
        end = self.end_min(members, hours)
        row, column = np.nonzero(of.live(members, end - HOUR_MIN, end, panes))
        slots = of.table[members[row], column]
        cell = row * width + column // of.devices
        mean, minutes = hour_means(slots, hours[row], of.registry.quantity, panes)
        good = ~np.isnan(mean)
        size = count * width
        total = np.bincount(cell[good], mean[good], size)
        devices = np.bincount(cell[good], minlength=size)
        cover = np.zeros(size)
        np.maximum.at(cover, cell, minutes.astype(np.float64))
        ring = panes.coarse[0]
        used = ring[slots[good], hours[row[good]] % ring.shape[1]]["n"]
        shape = (count, width)
        return Means(
            np.where(devices > 0, total / np.maximum(devices, 1), np.nan).reshape(shape),
            cover.reshape(shape),
            (np.bincount(cell, minlength=size) > 0).reshape(shape),
            np.bincount(row[good], used, count).astype(np.int64),
        )

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour; see `Family`."""
        result = blank(len(members), 1)
        means = self.means(members, windows, panes)
        whole = ~np.isnan(means.value).any(axis=1)
        out = np.empty(int(whole.sum()))
        self.own.kernel(np.ascontiguousarray(means.value[whole]), out)
        result.value[whole, 0] = out
        result.cov[:, 0] = np.minimum(means.minutes.min(axis=1) / HOUR_MIN, 1.0)
        result.n[:, 0] = np.where(whole, means.readings, 0)
        result.n[anywhere(~means.measured, 1), 0] = NOT_MEASURED
        result.weight = np.maximum(self._owed(members, windows, panes), 1e-9)
        return result

    def _owed(self, members: Integers, windows: Integers, panes: Panes) -> Floats:
        """Readings that the devices owe in the hour: the weight in areas."""
        registry, end = self.members.registry, self.end_min(members, windows)
        counts, owed = np.zeros(len(members), np.int64), np.zeros(len(members))
        gather_counts(
            self.members.table, members, windows, (end - HOUR_MIN) * 60, end * 60,
            panes.coarse[0], panes.first_min, registry.shift, registry.since_s,
            registry.period_s, counts, owed,
        )
        return owed
