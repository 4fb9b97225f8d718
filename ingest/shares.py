"""What one publisher may take of the registry, so that a flood does not cost the others theirs.

Anybody who may publish can invent devices, and channels of a device. Devices that nobody placed
may be `STRANGERS_MAX`, and a device may have `SERIES_A_DEVICE_MAX` series.
"""

from engine.registry import Registry, Series

STRANGERS_MAX = 50_000
"""Devices that are remembered without being placed; each takes about a kilobyte for ever."""
SERIES_A_DEVICE_MAX = 2_000
"""All quantities on 40 channels; a device that moved has its series once a place."""


class Shares:
    """Counts who took what; begins anew when the places change."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._strangers = -1
        self._series: dict[int, int] = {}
        self._counted = 0

    def begin_anew(self) -> None:
        """The places changed: a stranger may be placed now."""
        self._strangers = -1

    def device(self, name: str) -> int:
        """Row of a device, appended if new; -1 where a bound is reached."""
        registry = self._registry
        row = registry.device_of.get(name)
        if row is not None:
            return row
        if name in registry.rows_of:
            return registry.device(name)
        if self._strangers < 0:
            self._strangers = sum(known not in registry.rows_of for known in registry.devices)
        if self._strangers >= STRANGERS_MAX:
            return -1
        row = registry.device(name)
        self._strangers += row >= 0
        return row

    def has_room(self, series: Series) -> bool:
        """True if the series exists, or its device may have one more."""
        registry = self._registry
        if series in registry.slot_of:
            return True
        for known in registry.series[self._counted:]:
            self._series[known.device] = self._series.get(known.device, 0) + 1
        self._counted = len(registry.series)
        return self._series.get(series.device, 0) < SERIES_A_DEVICE_MAX
