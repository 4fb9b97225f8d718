"""A stretch of simville as files: the recording that its devices sent, their places, the truth.

The same seed, scenario, start and period give the same bytes.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import numpy.typing as npt

from edge.places import render
from edge.quantities import QUANTITIES
from edge.settings import SettingsError
from simulators.city import City, Columns, period_ms
from simulators.faults import Faults
from simulators.signals import Times
from simulators.truth import Truth

READINGS_MAX = 20_000_000
"""As many as a replay takes; some 1 GB."""
HEADER = "time,place,quantity,value,channel,received\n"
_NAMES = list(QUANTITIES)


class Sent(NamedTuple):
    """Published readings that wait to be written, and when each is received; Unix ms."""

    received: Times
    columns: Columns


def sent(city: City, faults: Faults, true: Columns, step_ms: int, truth: Truth | None) -> Sent:
    """What is published of a chunk of true readings."""
    if not faults.active:
        return Sent(true.time_ms, true)
    told = faults.apply(true, step_ms)
    if truth is not None:
        truth.readings(true, told)
    columns = Columns(
        told.time_ms, true.station[told.row], true.quantity[told.row], told.value
    )
    return Sent(told.sent_ms, columns)


def _joined(parts: list[Sent]) -> Sent:
    received = np.concatenate([part.received for part in parts])
    columns = Columns(
        np.concatenate([part.columns.time_ms for part in parts]),
        np.concatenate([part.columns.station for part in parts]),
        np.concatenate([part.columns.quantity for part in parts]),
        np.concatenate([part.columns.value for part in parts]),
    )
    order = np.argsort(received, kind="stable")
    return Sent(received[order], columns.take(order))


def _text(city: City, part: Sent) -> str:
    paths = [station.path for station in city.stations]
    time_ms, station, quantity, value = (column.tolist() for column in part.columns)
    return "".join(
        f"{t},{paths[s]},{_NAMES[q]},{v!r},{city.channel(s, _NAMES[q])},{r}\n"
        for t, s, q, v, r in zip(
            time_ms, station, quantity, value, part.received.tolist(), strict=True
        )
    )


def places_text(city: City, start_ms: int, period_s: float) -> str:
    """The places file of a recording whose devices report every `period_s`."""
    rows = city.place_rows(start_ms, start_ms + 1, start_ms + 2, period_s)
    live = rows[2 * len(city.stations) :]
    return render([replace(row, valid_from_ms=start_ms) for row in live])


def write(
    city: City, out: Path, places: Path, start_ms: int, end_ms: int, period_s: float,
    truth_path: Path | None = None,
) -> int:
    """Write what the city sends of [start_ms, end_ms), received by then; returns how many.

    What a fault holds back beyond the end is not in the file: it had not arrived. Raises
    `SettingsError` if a file cannot be written or there would be too many readings.
    """
    step = period_ms(period_s)
    series = sum(len(station.quantities) for station in city.stations)
    if (end_ms - start_ms) // step * series > READINGS_MAX:
        raise SettingsError(
            f"--out {out}: more than {READINGS_MAX:,} readings; give a shorter --for or a "
            "longer --period"
        )
    faults = Faults(city)
    count = 0
    truth = None
    try:
        if truth_path is not None:
            truth_path.unlink(missing_ok=True)
            truth = Truth(truth_path, city, faults, period_s)
        places.write_text(places_text(city, start_ms, period_s), encoding="utf-8")
        with out.open("w", encoding="utf-8", newline="\n") as file:
            file.write(HEADER)
            held: list[Sent] = []
            for true in city.readings(start_ms, end_ms, period_s):
                every = _joined([*held, sent(city, faults, true, step, truth)])
                # What comes later may be sent earlier than what is held, never before now.
                due = every.received <= true.time_ms[-1]
                held = [_taken(every, ~due)]
                count += _put(file, city, _taken(every, due))
            for part in held:
                count += _put(file, city, _taken(part, part.received < end_ms))
    except OSError as error:
        raise SettingsError(f"{error.filename or out}: {error.strerror}") from None
    finally:
        if truth is not None:
            truth.close()
    return count


def _taken(part: Sent, rows: npt.NDArray[np.bool_]) -> Sent:
    return Sent(part.received[rows], part.columns.take(rows))


def _put(file: TextIO, city: City, part: Sent) -> int:
    file.write(_text(city, part))
    return len(part.received)
