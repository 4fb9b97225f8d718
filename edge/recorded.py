"""Recorded readings: the CSV that replay, backfill and `compute` read.

`time,place,quantity,value[,unit][,channel][,flag][,received]`. Time is RFC 3339 or Unix ms,
place is `district/station`; `received` is when the reading reached the recorder (default: its
own time). A file may be gzipped. Times without a zone are refused, never guessed.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

from edge.quantities import QUANTITIES
from edge.topics import is_id

COLUMNS = ("time", "place", "quantity", "value", "unit", "channel", "flag", "received")


class RecordedError(ValueError):
    """A recording that its owner must correct; names file, line, field and value."""


@dataclass(slots=True)
class Rows:
    """Columns of up to `ROWS_CHUNK` readings in file order; times are Unix ms UTC."""

    time_ms: list[int]
    place: list[str]
    quantity: list[str]
    value: list[float]
    unit: list[str]
    channel: list[str]
    flag: list[int]
    received_ms: list[int]
    line: list[int]

    def __len__(self) -> int:
        return len(self.time_ms)


ROWS_CHUNK = 50_000
TIME_MS_MAX = 9_000_000_000_000
"""Beyond it a time would not fit in 64 bits of nanoseconds."""
_FLAGS = (0, 1, 2, 3, 4, 9)
HOUR_MS = 3_600_000
END_AFTER_MS = 600_000


def instant_ms(text: str) -> int:
    """Unix ms of RFC 3339 text or of a Unix ms number. Raises ValueError."""
    if text.lstrip("-").isdigit():
        time_ms = int(text)
        if abs(time_ms) > TIME_MS_MAX:
            raise ValueError("must be Unix milliseconds of a year before 2255")
        return time_ms
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("needs a zone, for example 2026-01-31T00:00:00Z")
    return round(moment.timestamp() * 1000)


def _empty() -> Rows:
    return Rows([], [], [], [], [], [], [], [], [])


def _append(rows: Rows, record: dict[str, str], line: int) -> None:
    """Add one record; raises ValueError(field, value, rule)."""
    field = "time"
    try:
        time_ms = instant_ms(record["time"])
        field = "received"
        received = instant_ms(record["received"]) if record.get("received") else time_ms
        field = "place"
        if record["place"].count("/") != 1:
            raise ValueError("must be district/station")
        field = "quantity"
        if record["quantity"] not in QUANTITIES:
            raise ValueError(f"must be one of {', '.join(QUANTITIES)}")
        field = "value"
        value = float(record["value"])
        field = "flag"
        flag = int(record.get("flag") or 0)
        if flag not in _FLAGS:
            raise ValueError("must be a QARTOD flag: 1, 2, 3, 4 or 9")
        field = "channel"
        channel = record.get("channel") or ""
        if channel and not is_id(channel.lower()):
            raise ValueError("must be 1 to 64 letters, digits, _ and -")
    except ValueError as error:
        raise ValueError(field, record[field], str(error)) from None
    rows.time_ms.append(time_ms)
    rows.place.append(record["place"])
    rows.quantity.append(record["quantity"])
    rows.value.append(value)
    rows.unit.append(record.get("unit") or "")
    rows.channel.append(channel)
    rows.flag.append(flag)
    rows.received_ms.append(received)
    rows.line.append(line)


def _open(path: Path) -> TextIO:
    try:
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8", newline="")
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise RecordedError(f"{path}: {error.strerror}") from None


def read(path: Path) -> Iterator[Rows]:
    """Yield the recording in chunks. Raises `RecordedError` naming file, line, field, value."""
    with _open(path) as file:
        reader = csv.DictReader(line for line in file if not line.startswith("#"))
        names = reader.fieldnames or ()
        missing = [name for name in COLUMNS[:4] if name not in names]
        unknown = [name for name in names if name not in COLUMNS]
        if missing or unknown:
            what = f"lacks {missing}" if missing else f"has unknown {unknown}"
            raise RecordedError(f"{path}: line 1: the header {what}; {','.join(COLUMNS)}")
        rows = _empty()
        for record in reader:
            try:
                _append(rows, record, reader.line_num)
            except (ValueError, TypeError) as error:
                detail = error.args if len(error.args) == 3 else ("row", record, "is too short")
                text = f"{detail[0]} = {detail[1]!r}: {detail[2]}"
                raise RecordedError(f"{path}: line {reader.line_num}: {text}") from None
            if len(rows) >= ROWS_CHUNK:
                yield rows
                rows = _empty()
        if len(rows):
            yield rows


def end_of_recording_ms(last_received_ms: int) -> int:
    """When the clock of a recording stops: ten minutes after the full hour at or after its last
    receive time, so that the last hour's windows close (their grace is shorter than that)."""
    return -(-last_received_ms // HOUR_MS) * HOUR_MS + END_AFTER_MS
