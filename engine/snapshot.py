"""Snapshots: the state of a city as one file, so that a start need not read the whole archive.

A zip of plain numpy arrays (each with its CRC) and one JSON member; nothing is unpickled. What
the file holds can always be rebuilt from the archive, so a damaged one is only set aside.
"""

import contextlib
import errno
import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from edge.places import PlaceRow, parse, render
from engine.catalogue import INDICATORS
from engine.deliveries import Deliveries
from engine.power_minutes import PowerMinutes
from engine.spectra import Spectra
from engine.ten_seconds import TenSeconds
from engine.traffic import FreeFlow
from engine.vitals import Vitals

FORMAT = 2
ENGINE = 3
"""Version of the computation: a snapshot of another one is not used, the archive is replayed."""
STEADY_BYTES = 8 << 20
ZIP64_BYTES = 1 << 30
"""A larger member of the zip gets sizes of eight bytes."""

_WINDOWS = ("closed", "first", "late", "open")
_DAMAGED = (
    OSError, EOFError, zipfile.BadZipFile, ValueError, KeyError, IndexError, TypeError,
    AttributeError, OverflowError, RuntimeError,
)
"""What a damaged file may raise on the way, down to zip flags that ask for a password."""


class SnapshotError(Exception):
    """A snapshot that cannot be used or saved; the archive is replayed instead."""


def _arrays(vitals: Vitals) -> dict[str, npt.NDArray[Any]]:
    panes = vitals.panes
    used = len(vitals.registry.series)
    arrays: dict[str, npt.NDArray[Any]] = {
        "minutes": panes.minutes[:used], "hours": panes.coarse[0][:used],
        "days": panes.coarse[1][:used], "dirty": panes.dirty[:used],
        "first_min": panes.first_min[:used], "touched": panes.untaken(),
    }
    for level, rows in enumerate(panes.fine_rows):
        arrays[f"fine{level}"] = panes.fine[level][:rows]
    arrays["series"] = vitals.series.table[:used]
    arrays["recent"] = vitals.judge.table[:used]
    meters = len(vitals.registers.slots)
    arrays["registers"] = vitals.registers.blocks[:meters]
    arrays["registers_changed"] = vitals.registers.changed[:meters]
    for name, array in vitals.power.dump(used).items():
        arrays[f"power_{name}"] = array
    for name, array in vitals.spectra.dump(used).items():
        arrays[f"spectra_{name}"] = array
    for name, array in vitals.hertz.dump(used).items():
        arrays[f"hertz_{name}"] = array
    for name, array in vitals.deliveries.dump(len(vitals.registry.keys), used).items():
        arrays[f"deliveries_{name}"] = array
    for name in FreeFlow.COLUMNS:
        arrays[f"free_{name}"] = getattr(vitals.segments.free, name)
    for i, windows in enumerate(vitals.windows):
        for name in _WINDOWS:
            arrays[f"{name}{i}"] = getattr(windows, name)
        for name, book in windows.family.books.items():
            arrays[f"book{i}_{name}_day"], arrays[f"book{i}_{name}"] = book.day, book.kept
    for place, days in vitals.peaks.month.kept().items():
        arrays[f"peak_{place}"] = days
    return arrays


@dataclass(slots=True)
class Frozen:
    """A state as it was: what a snapshot is written from while readings go on to come in.

    meta: texts in JSON, written down at once, since lists and dicts go on to change. rows: of the
    places file. revisions: copies. Both are large and become text while the file is written.
    copied: False if `arrays` are those of the state, which must not change until it is.
    """

    meta: dict[str, str]
    rows: list[PlaceRow]
    revisions: dict[str, list[dict[tuple[int, int], int]]]
    arrays: dict[str, npt.NDArray[Any]]
    copied: bool


def freeze(vitals: Vitals, extra: dict[str, Any], copied_bytes_max: int = -1) -> Frozen:
    """The state of now, copied if it has no more than so many bytes.

    `extra` is kept as it is (JSON): archive position, counters, message intervals.
    """
    vitals.fit()
    vitals.enrol()
    meta = {
        "format": FORMAT, "engine": ENGINE, "now_ns": vitals.now_ns, "extra": extra,
        "open_days": vitals.open_days, "interruptions": vitals.interruptions.dump(),
        "registry": vitals.registry.dump(),
        "families": _families(vitals),
        "members": [windows.family.members.places for windows in vitals.windows],
        "area_closed": [windows.areas.closed for windows in vitals.windows],
        "area_first": [list(windows.areas.first.items()) for windows in vitals.windows],
    }
    revisions = {
        "revisions": [dict(windows.revisions) for windows in vitals.windows],
        "area_revisions": [dict(windows.areas.revisions) for windows in vitals.windows],
    }
    arrays = _arrays(vitals)
    copied = sum(array.nbytes for array in arrays.values()) <= copied_bytes_max
    if copied:
        arrays = {name: _copy(array) for name, array in arrays.items()}
    texts = {name: json.dumps(value) for name, value in meta.items()}
    return Frozen(texts, list(vitals.registry.rows), revisions, arrays, copied)


def _copy(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy. Rows of fields are copied whole: field by field takes ten times as long."""
    rows = array.view((np.void, array.itemsize)) if array.dtype.names else array
    return rows.copy(order="K").view(array.dtype)


class _Steady(io.FileIO):
    """Brings to the disk what is written as it goes: with hundreds of megabytes to write down the
    archive's own sync, behind them, would take a second."""

    _behind = 0

    def write(self, data: Any, /) -> int:
        count = super().write(data)
        self._behind += count
        if self._behind >= STEADY_BYTES:
            self._behind = 0
            os.fdatasync(self.fileno())
        return count


def save(vitals: Vitals, path: Path, extra: dict[str, Any]) -> None:
    """Write a snapshot of now, as `write`."""
    write(freeze(vitals, extra), path)


def write(frozen: Frozen, path: Path, given_up: Callable[[], bool] = lambda: False) -> None:
    """Write a snapshot beside `path`, make it durable, then put it in place.

    Raises `SnapshotError` if it cannot be written, or if it is `given_up` on the way; the one
    before stays.
    """
    temporary = path.with_suffix(".new")
    try:
        with io.BufferedWriter(_Steady(temporary, "wb")) as file:
            _write(file, frozen, given_up)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, ValueError) as error:  # zipfile closes with a ValueError on a full disk
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        words = getattr(error, "strerror", None) or error
        raise SnapshotError(f"{path}: not saved: {words}") from error


def _write(file: IO[bytes], frozen: Frozen, given_up: Callable[[], bool]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        texts = frozen.meta | {"places": json.dumps(render(frozen.rows))}
        for name, kept in frozen.revisions.items():
            # One by one: a call for all would keep every other thread waiting for it.
            texts[name] = "[" + ", ".join(json.dumps(_pairs(rows)) for rows in kept) + "]"
        members = ", ".join(f"{json.dumps(name)}: {text}" for name, text in texts.items())
        archive.writestr("meta.json", "{" + members + "}")
        for name, array in frozen.arrays.items():
            if given_up():
                raise InterruptedError(errno.EINTR, "given up")
            with archive.open(f"{name}.npy", "w", force_zip64=array.nbytes > ZIP64_BYTES) as body:
                np.save(body, array, allow_pickle=False)


class SnapshotNewerError(Exception):
    """A snapshot of a newer program: not used, not set aside; the newer program is to be used."""


def load(path: Path, grace_s: int) -> tuple[Vitals, dict[str, Any]]:
    """Read a snapshot: the state and `extra`.

    Raises `SnapshotError` if it cannot be used, `SnapshotNewerError` if it is of a newer format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise SnapshotError(f"{path}: is damaged; the archive is replayed")
            meta = json.loads(archive.read("meta.json"))
            number = meta.get("format")
            if isinstance(number, int) and number > FORMAT:
                raise SnapshotNewerError(
                    f"{path}: has format {number}, this program knows up to {FORMAT}"
                )
            if (number, meta.get("engine")) != (FORMAT, ENGINE):
                raise SnapshotError(f"{path}: is of another version; the archive is replayed")
            arrays = {
                name[:-4]: np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
                for name in archive.namelist() if name.endswith(".npy")
            }
        return _rebuild(meta, arrays, grace_s), meta["extra"]
    except _DAMAGED as error:
        raise SnapshotError(f"{path}: {error}; the archive is replayed") from error


def extra_of(path: Path) -> dict[str, Any]:
    """The `extra` of a snapshot alone. Raises `SnapshotError` if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            extra: dict[str, Any] = json.loads(archive.read("meta.json"))["extra"]
    except _DAMAGED as error:
        raise SnapshotError(f"{path}: {error}") from error
    return extra


def _rebuild(
    meta: dict[str, Any], arrays: dict[str, npt.NDArray[Any]], grace_s: int
) -> Vitals:
    vitals = Vitals(grace_s)
    if meta["families"] != _families(vitals):
        raise ValueError("has other indicators")
    vitals.registry.restore(meta["registry"], parse(meta["places"]), vitals.panes)
    used = len(vitals.registry.series)
    panes = vitals.panes
    panes.fit(vitals.registry.quantity[:used], [])
    for name, target in (
        ("minutes", panes.minutes), ("hours", panes.coarse[0]), ("days", panes.coarse[1]),
        ("dirty", panes.dirty), ("first_min", panes.first_min), ("touched", panes.touched),
        *((f"fine{i}", fine) for i, fine in enumerate(panes.fine)),
    ):
        target[: len(arrays[name])] = arrays[name]
    vitals.interruptions.restore(meta["interruptions"])
    vitals.fit()
    vitals.series.table[:used] = arrays["series"]
    vitals.judge.table[:used] = arrays["recent"]
    vitals.judge.waiting = int(np.count_nonzero(vitals.judge.table["held"]))
    vitals.registers.blocks[: len(arrays["registers"])] = arrays["registers"]
    vitals.registers.changed[: len(arrays["registers"])] = arrays["registers_changed"]
    vitals.power.restore({
        name: arrays[f"power_{name}"] for name in PowerMinutes.ARRAYS
    })
    vitals.spectra.restore({name: arrays[f"spectra_{name}"] for name in Spectra.ARRAYS})
    vitals.hertz.restore({name: arrays[f"hertz_{name}"] for name in TenSeconds.ARRAYS})
    vitals.deliveries.restore({name: arrays[f"deliveries_{name}"] for name in Deliveries.ARRAYS})
    for i, windows in enumerate(vitals.windows):
        places = windows.family.members.places
        places.extend(meta["members"][i][len(places):])
    for i, windows in enumerate(vitals.windows):
        for name in _WINDOWS:
            setattr(windows, name, arrays[f"{name}{i}"])
        for name, book in windows.family.books.items():
            book.day, book.kept = arrays[f"book{i}_{name}_day"], arrays[f"book{i}_{name}"]
        windows.areas.first = dict(map(tuple, meta["area_first"][i]))
        windows.areas.closed = meta["area_closed"][i]
        windows.revisions = _unpaired(meta["revisions"][i])
        windows.areas.revisions = _unpaired(meta["area_revisions"][i])
    vitals.enrol()
    for name in FreeFlow.COLUMNS:
        setattr(vitals.segments.free, name, arrays[f"free_{name}"])
    for name, array in arrays.items():
        if name.startswith("peak_"):
            vitals.peaks.month.put(int(name.removeprefix("peak_")), array)
    vitals.resume(meta["now_ns"])
    vitals.open_days = meta["open_days"]
    return vitals


def _families(vitals: Vitals) -> list[list[str]]:
    """What the windows compute, by the keys that points are stored under.

    Files name windows by their number, which moves when a release or a city adds a family.
    """
    return [[INDICATORS[i].key for i in windows.family.indicators] for windows in vitals.windows]


def _pairs(kept: dict[tuple[int, int], int]) -> list[list[int]]:
    return [[row, window, revision] for (row, window), revision in kept.items()]


def _unpaired(rows: list[list[int]]) -> dict[tuple[int, int], int]:
    return {(row, window): revision for row, window, revision in rows}
