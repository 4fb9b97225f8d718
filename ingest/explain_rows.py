"""Parts of an explanation: inputs with their panes, what was left out, why a point was restated."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from edge.places import PlaceKey, PlaceRow
from edge.quantities import QUANTITIES
from engine.account import PANE_COLUMNS, Account, number, pane_rows
from engine.indicator import Indicator
from engine.points import INSUFFICIENT, Points
from engine.registers import BLOCK_MIN, LEVEL, neighbour
from ingest.listed import LISTED_MAX, READING_COLUMNS, reading
from ingest.reconstruct import Reconstruction
from ingest.store import Revision

REGISTER_COLUMNS = (
    "start_ms", "minutes", "n", "first_ns", "first", "last_ns", "last", "low", "high",
)
"""A block of a register: its first and last reading and its extremes, kWh."""
PLACED_COLUMNS = ("time_ms", "clock_ms", "added_ms")
"""A reading whose clock was not set: where it was placed, what the clock showed, what was added."""
_QUANTITIES = list(QUANTITIES.values())


def inputs_of(
    built: Reconstruction, account: Account, start_min: int, end_min: int
) -> list[dict[str, Any]]:
    """The series that were there or were read, with their readings and dated rows."""
    registry = built.vitals.registry
    used = {slot for slot, *_ in account.panes}
    rows = []
    for slot, series in enumerate(registry.series):
        listed = built.listed.get(slot)
        if listed is None and slot not in used:
            continue
        quantity, device = _QUANTITIES[series.quantity], registry.devices[series.device]
        row: dict[str, Any] = {
            "series": slot, "place": registry.keys[series.place].path, "device": device,
            "channel": series.channel, "quantity": quantity.id, "unit": quantity.unit,
            "rows": [_dated(built, r) for r in _in_force(built, device, start_min, end_min)],
            "began_ms": None, "count": listed.count if listed else 0,
            "late": listed.late if listed else 0, "suspect": listed.suspect if listed else 0,
        }
        if listed is not None and listed.placed:
            row |= {"placed": listed.placed, "placed_columns": list(PLACED_COLUMNS),
                    "placed_examples": listed.said}
        if listed is not None and listed.count:
            newest = [reading(row) for row in listed.rows()]
            row |= {
                "mean": number(listed.sum / listed.count), "min": listed.low, "max": listed.high,
                "first_ms": listed.first_ns // 1_000_000, "last_ms": listed.last_ns // 1_000_000,
                "columns": list(READING_COLUMNS), "readings": newest,
                "earlier": max(listed.count - LISTED_MAX, 0),
            }
        first_min = int(built.vitals.panes.first_min[slot])
        row["began_ms"] = first_min * 60_000 if first_min < end_min else None
        rows.append(row)
    return rows


def _in_force(
    built: Reconstruction, device: str, start_min: int, end_min: int
) -> list[PlaceRow]:
    """The dated rows of a device that hold in the window; its first if all are later."""
    rows = built.vitals.registry.rows_of.get(device, [])
    before = [row for row in rows if row.valid_from_ms <= start_min * 60_000][-1:]
    inside = [row for row in rows if start_min * 60_000 < row.valid_from_ms < end_min * 60_000]
    return before + inside or rows[:1]


def _dated(built: Reconstruction, row: PlaceRow) -> dict[str, Any]:
    """A row as it is told; of a private station, where the device stood before, not which."""
    kept = {name: value for name, value in asdict(row).items() if name not in ("lat", "lon")}
    told = kept | {"key": PlaceKey(row.city, row.district, row.station).path}
    if built.vitals.registry.hides(row.city, row.district, row.station):
        told |= dict.fromkeys(("district", "station", "name", "note", "key"), "")
    return told


def pane_tables(built: Reconstruction, account: Account, inputs: list[dict[str, Any]]) -> None:
    """Add to each input the panes that were used."""
    by_series = {row["series"]: row for row in inputs}
    for slot, level, first, count in account.panes:
        columns: tuple[str, ...] = PANE_COLUMNS
        if level == LEVEL:
            unit, rows, columns = "kWh", _blocks(built, slot, first, count), REGISTER_COLUMNS
        else:
            unit, rows = pane_rows(built.vitals, slot, level, first, count)
        table = by_series[slot].setdefault(
            "panes", {"columns": list(columns), "sum_unit": unit, "rows": []}
        )
        known = {tuple(row) for row in table["rows"]}
        table["rows"] += [row for row in rows if tuple(row) not in known]


def _blocks(built: Reconstruction, slot: int, first: int, count: int) -> list[list[Any]]:
    """Rows of `REGISTER_COLUMNS`, with the nearest blocks before and after."""
    registers, shift = built.vitals.registers, int(built.vitals.registry.shift[slot])
    row = int(registers.row[slot])
    ring = registers.blocks[row]
    columns = [int(neighbour(registers.blocks, row, first, -1))]
    columns += [index % len(ring) for index in range(first, first + count)
                if ring[index % len(ring)]["tag"] == index]
    columns.append(int(neighbour(registers.blocks, row, first + count - 1, 1)))
    return [
        [(int(block["tag"]) * BLOCK_MIN - shift) * 60_000, BLOCK_MIN, int(block["n"]),
         int(block["first_ns"]), float(block["first"]), int(block["last_ns"]),
         float(block["last"]), float(block["low"]), float(block["high"])]
        for block in (ring[column] for column in columns if column >= 0) if block["n"] > 0
    ]


def left_out_of(built: Reconstruction) -> list[dict[str, Any]]:
    """What was not counted, by reason; `series` is None where the archive names none."""
    rows = []
    for reason, count in sorted(built.left_out.items()):
        series = None
        if reason.slot >= 0:
            series = _QUANTITIES[built.vitals.registry.series[reason.slot].quantity].id
        rows.append({
            "reason": reason.reason, "words": reason.words, "device": reason.device,
            "quantity": series, "count": count, "columns": list(READING_COLUMNS),
            "examples": built.examples.get(reason, []),
        })
    return rows


def causes(revisions: list[Revision], built: Reconstruction) -> list[dict[str, Any]]:
    """Each restatement with what came late since the one before."""
    late = np.concatenate(built.late) if built.late else np.zeros((0, 2), np.int64)
    rows, before_ms = [], 0
    for row in revisions:
        came = late[(late[:, 0] > before_ms * 1_000_000) & (late[:, 0] <= row.known_ms * 1_000_000)]
        before_ms = row.known_ms
        cause = "no late reading of this window: something it is held against, or its places"
        if len(came):
            behind_s = float((came[:, 0] - came[:, 1]).max()) / 1e9
            cause = f"{len(came)} readings, up to {_span(behind_s)} late"
        old, new = row.old_level != INSUFFICIENT, row.level != INSUFFICIENT
        rows.append({
            "rev": row.rev, "known_ms": row.known_ms, "cause": cause, "late": len(came),
            "old_value": row.old_value if old else None, "old_level": row.old_level,
            "value": row.value if new else None, "level": row.level,
        })
    return rows


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def stated(entry: Indicator, points: Points) -> dict[str, Any] | None:
    """The point as the engine says it now; None where it says nothing of the window."""
    if not len(points):
        return None
    level = int(points.level[0])
    sufficient = level != INSUFFICIENT
    found: dict[str, Any] = {
        "value": float(points.value[0]) if sufficient else None, "level": level,
        "word": entry.levels[level].word if sufficient else "insufficient",
        "colour": entry.levels[level].colour if sufficient else None,
        "n": int(points.n[0]), "cov": float(points.cov[0]),
    }
    if int(points.over[0]) >= 0:
        found |= {name: number(float(getattr(points, name)[0])) for name in ("p50", "p95", "max")}
        found["over"] = int(points.over[0])
    return found


def utc(time_ms: int) -> str:
    """An instant for people."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
