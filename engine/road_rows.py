"""What the places file says of roads, by the row in force when a window begins.

A road whose length, lanes or limit changed keeps what it was for the windows of before: its rows
are dated. One choice for all: a window goes by the row that is in force at its first minute, and
a free-flow speed by the one at 03:00, when it is frozen.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.places import ROAD_CLASSES
from engine.density import G_M
from engine.registry import Attributes, Registry
from engine.service_level import NO_CLASS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_MINUTE_MS = 60_000
_SPAN_MIN = 1 << 33
"""More minutes than any instant has: keeps the rows of two roads apart in one sorted key."""


@dataclass(frozen=True, slots=True)
class Roads:
    """Of k roads: float64[k], 0 unknown; length_km 1 and g_m 22 ft where they are.

    road_class: int8[k], row of `ROAD_CLASSES` or NO_CLASS.
    """

    posted: Floats
    length_km: Floats
    lanes: Floats
    g_m: Floats
    capacity: Floats
    occupants: Floats
    heavy: Floats
    road_class: npt.NDArray[np.int8]


def _columns(row: Attributes) -> tuple[float, ...]:
    """A row as `Roads` has it."""
    return (
        row.posted_kmh, row.length_km or 1.0, row.lanes, row.g_m or G_M, row.capacity_vph,
        row.occupants, row.heavy_share,
        ROAD_CLASSES.index(row.road_class) if row.road_class else NO_CLASS,
    )


class RoadRows:
    """The dated rows of some roads; key: int64[rows], member and first minute, ascending."""

    def __init__(self) -> None:
        self._key = np.zeros(0, np.int64)
        self._table = np.zeros((8, 0))

    def load(self, registry: Registry, places: list[int]) -> None:
        """Take the rows of places; a member is the position of its place."""
        keys: list[int] = []
        table: list[tuple[float, ...]] = []
        for member, place in enumerate(places):
            for i, (since_ms, row) in enumerate(registry.dated[place]):
                since_min = -(-since_ms // _MINUTE_MS) if i else 0
                keys.append(member * _SPAN_MIN + min(max(since_min, 0), _SPAN_MIN - 1))
                table.append(_columns(row))
        self._key = np.array(keys, np.int64)
        self._table = np.ascontiguousarray(np.array(table).reshape(-1, 8).T)

    def at(self, members: Integers, minute: Integers) -> Roads:
        """What holds of each member at each Unix minute; before its first row that one."""
        asked = members * _SPAN_MIN + np.clip(minute, 0, _SPAN_MIN - 1)
        rows = np.searchsorted(self._key, asked, side="right") - 1
        posted, length_km, lanes, g_m, capacity, occupants, heavy, road_class = (
            column[rows] for column in self._table
        )
        return Roads(
            posted, length_km, lanes, g_m, capacity, occupants, heavy, road_class.astype(np.int8)
        )
