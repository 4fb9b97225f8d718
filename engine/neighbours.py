"""Who stands near whom: the nearest sensors of the same quantity, by where their stations stood."""

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.kernel import kernel
from engine.registry import Registry

NEAREST_MAX = 16
"""Sensors beside one of which neighbours are taken: the nearest."""
CLOSE_KM = 2.0
KM_PER_DEGREE = 111.195
SENSORS_MAX = 16_384
"""Sensors of one quantity that are held against each other; further ones are not told of."""
KEPT_MAX = 24
"""Tables kept: one for each set of sensors and positions that windows still ask for."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Near(NamedTuple):
    """Of each sensor the nearest others: rows int64[s, 16], -1 blank, and within 2 km bool."""

    rows: Integers
    close: Bools


@kernel(nb.void(
    nb.float64[::1], nb.float64[::1], nb.int64[::1], nb.boolean[::1], nb.int64[:, ::1],
    nb.boolean[:, ::1],
))
def nearest(lat: Any, lon: Any, device: Any, may: Any, rows: Any, close: Any) -> None:
    """The nearest sensors of other devices, nearest first, of two as near the one listed first.

    lat, lon: float64[s], degrees. device: int64[s]. may: bool[s], can be a neighbour. rows:
    int64[s, 16] and close: bool[s, 16], out. Cost: s * s.
    """
    distance = np.empty(rows.shape[1])
    for i in range(lat.shape[0]):
        count = 0
        rows[i, :], close[i, :] = -1, False
        narrow = np.cos(np.radians(lat[i])) * KM_PER_DEGREE
        for j in range(lat.shape[0]):
            if device[j] == device[i] or not may[j]:
                continue
            km = np.hypot((lat[j] - lat[i]) * KM_PER_DEGREE, (lon[j] - lon[i]) * narrow)
            if count == rows.shape[1] and not km < distance[count - 1]:
                continue
            at = min(count, rows.shape[1] - 1)
            while at > 0 and distance[at - 1] > km:
                distance[at], rows[i, at] = distance[at - 1], rows[i, at - 1]
                at -= 1
            distance[at], rows[i, at] = km, j
            count = min(count + 1, rows.shape[1])
        for k in range(count):
            close[i, k] = distance[k] <= CLOSE_KM


class Neighbourhood:
    """The sensors of one quantity: slots int32[s], by device and channel, and who is near whom."""

    def __init__(self, registry: Registry, slots: list[int], width: int = NEAREST_MAX) -> None:
        self.registry, self.width = registry, width
        self.slots = np.array(slots[:SENSORS_MAX], np.int32)
        series = [registry.series[slot] for slot in self.slots.tolist()]
        self.places = [row.place for row in series]
        self.device = np.array([row.device for row in series], np.int64)
        self.public = np.array([row.place not in registry.private for row in series], np.bool_)
        moved = {
            since for place in set(self.places) for since, _ in registry.dated.get(place, [])[1:]
        }
        self._moves = np.array(sorted(moved), np.int64)
        self._kept: dict[tuple[int, bytes], Near] = {}

    def near(self, end_min: int, first_min: Integers) -> Near:
        """Who is near whom in a window: by those that had begun, where they stood at its end.

        first_min: int64[series], Unix minute of the first reading of each. A household's sensor is
        nobody's neighbour.
        """
        epoch = int(np.searchsorted(self._moves, end_min * 60_000))
        may = self.public & (first_min[self.slots] < end_min)
        key = (epoch, may.tobytes())
        if key not in self._kept:
            if len(self._kept) >= KEPT_MAX:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = self._found(end_min, may)
        return self._kept[key]

    def _found(self, end_min: int, may: Bools) -> Near:
        at = [self.registry.attributes_at(place, end_min * 60_000 - 1) for place in self.places]
        lat = np.array([0.0 if row is None else row.lat for row in at])
        lon = np.array([0.0 if row is None else row.lon for row in at])
        may = may & np.array([row is not None for row in at], np.bool_)
        near = Near(
            np.empty((len(at), self.width), np.int64), np.empty((len(at), self.width), np.bool_)
        )
        nearest(lat, lon, self.device, may, near.rows, near.close)
        return near
