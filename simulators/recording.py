"""A whole recording in memory, in the order it was received, each row with its device."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.places import PlaceRow
from edge.recorded import RecordedError, Rows, read
from simulators.signals import Floats, Times

ROWS_MAX = 20_000_000
Codes = npt.NDArray[np.int32]


@dataclass(slots=True)
class Table:
    """n rows sorted by receive time, then time, then as in the file.

    `device` is a row of `devices`, `quantity`, `unit` and `channel` are rows of `words`; times are
    Unix ms UTC; flag 0 means none. `devices` lists every device that is ever active.
    """

    received_ms: Times
    time_ms: Times
    device: Codes
    quantity: Codes
    value: Floats
    unit: Codes
    channel: Codes
    flag: npt.NDArray[np.uint8]
    words: list[str]
    devices: list[PlaceRow]

    def __len__(self) -> int:
        return len(self.time_ms)


class _Codes:
    """Numbers for texts in order of appearance."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def take(self, texts: list[str]) -> Codes:
        of = self.of
        return np.array([of.setdefault(text, len(of)) for text in texts], dtype=np.int32)


class _Stations:
    """Which device stood at a station when: the active one whose row began last."""

    def __init__(self, places: list[PlaceRow]) -> None:
        self.devices: list[PlaceRow] = []
        self._rows: dict[str, list[PlaceRow]] = {}
        self._near: dict[str, set[str]] = {}
        self._changes: dict[str, tuple[Times, Codes]] = {}
        for row in places:
            self._rows.setdefault(row.device, []).append(row)
            self._near.setdefault(f"{row.district}/{row.station}", set()).add(row.device)
        for rows in self._rows.values():
            self.devices += [row for row in rows if row.status == "active"][:1]
        self._position = {row.device: i for i, row in enumerate(self.devices)}

    def _at(self, path: str, time_ms: int) -> int:
        """Row of the device at station `path`, -1 if there is none."""
        found, since = -1, 0
        for device in sorted(self._near[path]):
            for row in [row for row in self._rows[device] if row.valid_from_ms <= time_ms][-1:]:
                here = f"{row.district}/{row.station}" == path and row.status == "active"
                if here and (found < 0 or row.valid_from_ms >= since):
                    found, since = self._position[device], row.valid_from_ms
        return found

    def find(self, path: str, time_ms: Times) -> Codes:
        """int32[n]: the device at each time, -1 where there is none.

        It changes only where a row of a device begins that ever stood there.
        """
        if path not in self._changes:
            near = self._near.get(path, set())
            changes = sorted({row.valid_from_ms for device in near for row in self._rows[device]})
            devices = [-1, *(self._at(path, change) for change in changes)]
            self._changes[path] = (
                np.array(changes, dtype=np.int64), np.array(devices, dtype=np.int32)
            )
        instants, found = self._changes[path]
        return found[np.searchsorted(instants, time_ms, side="right")]


def load(path: Path, places: list[PlaceRow]) -> Table:
    """Read the recording at `path`.

    Raises `RecordedError`, also for a reading of a place where no device stood at its time, and
    for a device that moved within the recording.
    """
    words, stations = _Codes(), _Stations(places)
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    where: dict[int, str] = {}
    count = 0
    for rows in read(path):
        count += len(rows)
        if count > ROWS_MAX:
            raise RecordedError(f"{path}: more than {ROWS_MAX} rows; replay it in parts")
        device = _devices(rows, stations, where, path)
        parts.append((
            np.array(rows.received_ms, dtype=np.int64), np.array(rows.time_ms, dtype=np.int64),
            device, words.take(rows.quantity), np.array(rows.value), words.take(rows.unit),
            words.take(rows.channel), np.array(rows.flag, dtype=np.uint8),
        ))
    if not parts:
        raise RecordedError(f"{path}: holds no readings")
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    received, time, device, quantity, value, unit, channel, flag = (c[order] for c in columns)
    return Table(
        received, time, device, quantity, value, unit, channel, flag, list(words.of),
        stations.devices,
    )


def _devices(rows: Rows, stations: _Stations, where: dict[int, str], path: Path) -> Codes:
    """The device of each row; `where` notes the place of each device seen so far."""
    time_ms = np.array(rows.time_ms, dtype=np.int64)
    place = np.array(rows.place)
    device = np.empty(len(rows), dtype=np.int32)
    for name in map(str, np.unique(place)):
        here = place == name
        device[here] = stations.find(name, time_ms[here])
        for row in set(device[here].tolist()) - {-1}:
            if where.setdefault(row, name) != name:
                moved = stations.devices[row].device
                raise RecordedError(
                    f"{path}: device {moved!r} stands at {where[row]} and later at {name}; "
                    "replay the two parts of the recording one after the other"
                )
    if (device < 0).any():
        row = int(np.argmax(device < 0))
        raise RecordedError(
            f"{path}: line {rows.line[row]}: place = {rows.place[row]!r}: "
            "no active device stands there at that time in the places file"
        )
    return device
