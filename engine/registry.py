"""Which series there are: places, devices and slots, and the dated rows that describe them.

A series is one quantity at one place from one device on one channel; its slot is a dense
integer that is never reused. Places are appended as they appear, so that a row number means the
same for ever; both survive in snapshots and in the archive.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from edge.facts import Fact
from edge.places import CORRECTIONS, PlaceKey, PlaceRow
from edge.quantities import INDEX, QUANTITIES
from engine.calendar import Zone, civil_day, grid_offset_min
from engine.known_facts import KnownFacts, restored
from engine.panes import LEVEL_OF, Panes
from engine.series import STEADY, periods_of

SERIES_MAX = 1_000_000
DEVICES_MAX = 500_000
GROUP_MIN = 5
"""Private stations leave the engine only with at least so many of them in one sum or mean."""
DATED_MAX = 6
"""Dated periods kept a series; an older row is replaced by the oldest that is kept."""

_ALWAYS = np.int64(-(1 << 60))
_NEVER = np.int64(1 << 60)
_CODES = {name: code for code, name in enumerate(("", *CORRECTIONS))}
_LEVELS = [LEVEL_OF.get(name, -1) for name in QUANTITIES]


class Series(NamedTuple):
    """What one slot is: rows of `Registry.keys`, `Registry.devices`, of the quantities."""

    place: int
    device: int
    quantity: int
    channel: str


@dataclass(slots=True)
class Attributes:
    """What one row of the places file says of a station."""

    name: str
    lat: float
    lon: float
    tz: str
    length_km: float
    lanes: int
    posted_kmh: float
    shift_min: int  # of its first row that was loaded: panes stay cut as they were
    private: bool = False
    road_class: str = ""
    capacity_vph: float = 0.0
    g_m: float = 0.0
    occupants: float = 0.0
    heavy_share: float = 0.0


def changes_of(rows: list[PlaceRow]) -> list[PlaceRow]:
    """Rows of a device that say something else of its series than the one before."""
    found: list[PlaceRow] = []
    for row in rows:
        if not found or _of_series(found[-1]) != _of_series(row):
            found.append(row)
    return found


def _of_series(row: PlaceRow) -> tuple[object, ...]:
    return (
        row.city, row.district, row.station, row.status, row.period_s, row.modulus_kwh,
        row.correction,
    )


def private_keys(rows: list[PlaceRow]) -> frozenset[PlaceKey]:
    """Stations of which any row says private: they are so at all times."""
    return frozenset(
        PlaceKey(row.city, row.district, row.station) for row in rows if row.private
    )


@dataclass(slots=True)
class Registry:
    """Places, devices and series of one city; see the module for what is append-only.

    attributes: of each station its latest row. dated: all of its rows that say something new,
    oldest first, with the Unix ms from which each holds. By series: correction: of its dated
    rows, 1 + its place in `CORRECTIONS`, 0 none; owner: row of `devices`. corrected: stations
    that have, had or will have a sensor with a correction.
    """

    keys: list[PlaceKey] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    place_of: dict[PlaceKey, int] = field(default_factory=dict)
    device_of: dict[str, int] = field(default_factory=dict)
    slot_of: dict[Series, int] = field(default_factory=dict)
    rows: list[PlaceRow] = field(default_factory=list)
    rows_of: dict[str, list[PlaceRow]] = field(default_factory=dict)
    attributes: dict[int, Attributes] = field(default_factory=dict)
    dated: dict[int, list[tuple[int, Attributes]]] = field(default_factory=dict)
    private: set[int] = field(default_factory=set)
    group_min: int = GROUP_MIN
    veiled: frozenset[PlaceKey] = frozenset()
    version: int = 0
    facts: KnownFacts = field(default_factory=KnownFacts)
    quantity: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    shift: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    since_s: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((0, DATED_MAX), np.int64)
    )
    period_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, DATED_MAX)))
    modulus_kwh: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, DATED_MAX)))
    correction: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, DATED_MAX)))
    owner: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    corrected: frozenset[int] = frozenset()
    steady: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, STEADY))

    def load_places(self, rows: list[PlaceRow]) -> None:
        """Take a new places file: later rows describe what comes, earlier ones what was."""
        self.rows = list(rows)
        self.rows_of = {}
        private = private_keys(rows)
        dated: dict[int, list[tuple[int, Attributes]]] = {}
        for row in rows:
            self.rows_of.setdefault(row.device, []).append(row)
            place = self.place(PlaceKey(row.city, row.district, row.station))
            known = self.attributes.get(place)  # what was cut by a grid stays so
            shift = known.shift_min if known else grid_offset_min(row.tz)
            said = self.attributes[place] = Attributes(
                row.name, row.lat, row.lon, row.tz, row.length_km, row.lanes, row.posted_kmh,
                shift, self.keys[place] in private, row.road_class, row.capacity_vph, row.g_m,
                row.occupants, row.heavy_share,
            )
            since = dated.setdefault(place, [])
            if not since or since[-1][1] != said:
                since.append((row.valid_from_ms, said))
        self.dated |= dated
        self.corrected = frozenset(
            self.place_of[PlaceKey(row.city, row.district, row.station)]
            for row in rows if row.correction
        )
        self.hide(self.veiled)
        for slot in range(len(self.series)):
            self._describe(slot)
        self.version += 1

    def load_facts(self, facts: list[Fact]) -> None:
        """Take a new facts file: windows computed from now on are held against it."""
        self.facts = KnownFacts(facts)
        self.version += 1

    def attributes_at(self, place: int, time_ms: int) -> Attributes | None:
        """What held of a station at a time; its first row for earlier times; None if unknown."""
        rows = self.dated.get(place, [])
        return next((said for since, said in reversed(rows) if since <= time_ms),
                    rows[0][1] if rows else None)

    def zone_of(self, place: int) -> Zone:
        """The zones of a station, one after the other; that of the city for an area."""
        found: list[tuple[int, str]] = []
        for since_ms, said in self.dated.get(place, ()):
            if not found or found[-1][1] != said.tz:
                found.append((-(-since_ms // 60_000), said.tz))
        return tuple(found) if len(found) > 1 else found[0][1] if found else self.zone

    def fact_at(self, place: int, fact: str, minute: int) -> float:
        """The value of a fact of a place on its civil day at a Unix minute; NaN unknown."""
        day = int(civil_day(self.zone_of(place), np.array([minute], np.int64))[0])
        return self.facts.at(self.keys[place].path, fact, day)

    @property
    def zone(self) -> Zone:
        """The zones of the city, one after the other: those of the first of its stations."""
        return next((self.zone_of(place) for place in self.attributes if place in self.dated),
                    "UTC")

    def zone_at(self, place: int, time_ms: int) -> str:
        """The zone of a station in force at a time; that of the city for an area."""
        places = [place] if place in self.attributes else list(self.attributes)[:1]
        said = self.attributes_at(places[0], time_ms) if places else None
        return said.tz if said else "UTC"

    def hide(self, keys: frozenset[PlaceKey]) -> None:
        """Hold these stations private whatever the rows say: an old row must not tell of them."""
        self.veiled = keys
        self.private = {
            place for place, row in self.attributes.items()
            if row.private or self.keys[place] in keys
        }

    def hides(self, city: str, district: str, station: str) -> bool:
        """True for a private station."""
        return self.place_of.get(PlaceKey(city, district, station), -1) in self.private

    def private_devices(self) -> set[str]:
        """Devices that stand, stood or will stand at a private station."""
        return {
            row.device for row in self.rows if self.hides(row.city, row.district, row.station)
        } if self.private else set()

    def place(self, key: PlaceKey) -> int:
        """Row of a place, appended if new, with its district and city before it."""
        if key not in self.place_of:
            for parent in (PlaceKey(key.city, "", ""), PlaceKey(key.city, key.district, "")):
                if parent not in self.place_of and parent != key:
                    self.place_of[parent] = len(self.keys)
                    self.keys.append(parent)
            self.place_of[key] = len(self.keys)
            self.keys.append(key)
            self.version += 1
        return self.place_of[key]

    def device(self, name: str) -> int:
        """Row of a device, appended if new; -1 when `DEVICES_MAX` is reached."""
        index = self.device_of.get(name)
        if index is None:
            if len(self.devices) >= DEVICES_MAX:
                return -1
            index = self.device_of[name] = len(self.devices)
            self.devices.append(name)
        return index

    def row_at(self, device: str, time_ms: int) -> PlaceRow | None:
        """The row of `device` at that time; its first row for earlier times; None if unknown."""
        rows = self.rows_of.get(device)
        if not rows:
            return None
        found = rows[0]
        for row in rows:
            if row.valid_from_ms <= time_ms:
                found = row
        return found

    def slot(self, series: Series, panes: Panes) -> int:
        """Slot of a series, appended if new; -1 when `SERIES_MAX` is reached."""
        slot = self.slot_of.get(series)
        if slot is None:
            if len(self.series) >= SERIES_MAX:
                return -1
            slot = self.slot_of[series] = len(self.series)
            self.series.append(series)
            self._grow(slot + 1)
            self.quantity[slot] = series.quantity
            self._describe(slot)
            panes.fit(self.quantity[: slot + 1], _LEVELS)
            panes.assign(self.quantity[: slot + 1], _LEVELS, slot)
            self.version += 1
        return slot

    def _grow(self, count: int) -> None:
        old = len(self.quantity)
        if count <= old:
            return
        more = max(count, 2 * old, 64) - old
        self.quantity = np.concatenate([self.quantity, np.zeros(more, np.int32)])
        self.shift = np.concatenate([self.shift, np.zeros(more, np.int32)])
        self.since_s = np.concatenate([self.since_s, np.full((more, DATED_MAX), _NEVER)])
        self.period_s = np.concatenate([self.period_s, np.zeros((more, DATED_MAX))])
        self.modulus_kwh = np.concatenate([self.modulus_kwh, np.zeros((more, DATED_MAX))])
        self.correction = np.concatenate([self.correction, np.zeros((more, DATED_MAX))])
        self.owner = np.concatenate([self.owner, np.zeros(more, np.int32)])
        self.steady = np.concatenate([self.steady, np.zeros(more, STEADY)])

    def _describe(self, slot: int) -> None:
        """Fill the zone shift and the dated periods of a slot from its device's rows."""
        series = self.series[slot]
        self.shift[slot] = self.attributes[series.place].shift_min
        self.owner[slot] = series.device
        self.since_s[slot] = _NEVER
        self.period_s[slot] = 0.0
        rows = changes_of(self.rows_of.get(self.devices[series.device], []))
        for i, row in enumerate(rows[-DATED_MAX:]):
            here = PlaceKey(row.city, row.district, row.station) == self.keys[series.place]
            self.since_s[slot, i] = row.valid_from_ms // 1000 if i else _ALWAYS
            active = here and row.status == "active"
            self.period_s[slot, i] = row.period_s if active else 0.0
            self.modulus_kwh[slot, i] = row.modulus_kwh
            self.correction[slot, i] = _CODES[row.correction]
        self.steady[slot] = (self.since_s[slot, 1], self.period_s[slot, 0], series.quantity)

    def parents(self, place: int) -> tuple[int, int]:
        """Rows of the district and the city of a station."""
        key = self.keys[place]
        return (
            self.place_of[PlaceKey(key.city, key.district, "")],
            self.place_of[PlaceKey(key.city, "", "")],
        )

    def period_at(
        self, slot: npt.NDArray[np.int32], time_s: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Nominal period in seconds of each series at each time; 0 where none holds."""
        return self._at(slot, time_s, self.period_s)

    def modulus_at(
        self, slot: npt.NDArray[np.int32], time_s: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Where each register begins again at 0, in kWh, at each time; 0 where unknown."""
        return self._at(slot, time_s, self.modulus_kwh)

    def correction_at(
        self, slot: npt.NDArray[np.int32], time_s: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """1 + the place in `CORRECTIONS` of what each series is corrected by at each time, or 0."""
        return self._at(slot, time_s, self.correction)

    def _at(
        self, slot: npt.NDArray[np.int32], time_s: npt.NDArray[np.int64],
        dated: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        """The dated value of each series at each time, by the rows of its device."""
        values = np.empty(len(slot))
        periods_of(
            np.ascontiguousarray(slot, np.int32), np.ascontiguousarray(time_s, np.int64),
            self.since_s, dated, values,
        )
        return values

    def span_at(
        self, slot: npt.NDArray[np.int32], time_s: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Minutes that a reading of each series stands for at each time, as `span_of`."""
        spans: npt.NDArray[np.int64] = np.maximum(
            np.ceil(self.period_at(slot, time_s) / 60 - 0.25), 1
        ).astype(np.int64)
        return spans

    def stations_with(self, quantities: tuple[str, ...]) -> dict[int, dict[int, list[int]]]:
        """Place row -> quantity row -> slots, for stations that have any of `quantities`.

        Slots of one quantity are in the order of device and channel, not of their first
        readings: the order of arrival must not show in a sum.
        """
        wanted = {INDEX[name] for name in quantities}
        found: dict[int, dict[int, list[int]]] = {}
        for slot, series in enumerate(self.series):
            if series.quantity in wanted:
                found.setdefault(series.place, {}).setdefault(series.quantity, []).append(slot)
        for by_quantity in found.values():
            for slots in by_quantity.values():
                slots.sort(key=lambda slot: (
                    self.devices[self.series[slot].device], self.series[slot].channel
                ))
        return found

    def dump(self) -> dict[str, Any]:
        """What a snapshot keeps (JSON); the places file is kept beside it."""
        return {
            "keys": [list(key) for key in self.keys],
            "devices": self.devices,
            "series": [list(series) for series in self.series],
            "attributes": {
                place: msgspec.to_builtins(row) for place, row in self.attributes.items()
            },
            "dated": {
                place: [[since, msgspec.to_builtins(said)] for since, said in rows]
                for place, rows in self.dated.items() if len(rows) > 1
            },
            "facts": self.facts.dump(),
        }

    def restore(self, kept: dict[str, Any], rows: list[PlaceRow], panes: Panes) -> None:
        """Rebuild from `dump` and the places file; slots and rows come out as they were.

        Raises ValueError if the grid of a zone is not what the panes were cut by.
        """
        for key in kept["keys"]:
            self.place(PlaceKey(*key))
        # Stations that left the places file keep what was last known of them.
        self.attributes = {
            int(place): Attributes(**row) for place, row in kept["attributes"].items()
        }
        self.dated = {place: [(0, row)] for place, row in self.attributes.items()} | {
            int(place): [(since, Attributes(**said)) for since, said in dated]
            for place, dated in kept.get("dated", {}).items()
        }
        self.load_places(rows)
        self.facts = restored(kept["facts"])
        for row in kept["attributes"].values():
            if (grid_offset_min(row["tz"]) - row["shift_min"]) % 60:
                raise ValueError(f"another time zone table: panes of {row['tz']} begin elsewhere")
        self.restore_more(kept, panes)

    def restore_more(self, kept: dict[str, Any], panes: Panes) -> None:
        """Append what an archive record says was appended; what is there already stays."""
        for key in kept["keys"]:
            self.place(PlaceKey(*key))
        for name in kept["devices"]:
            self.device(name)
        for row in kept["series"]:
            self.slot(Series(*row), panes)
