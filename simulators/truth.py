"""The truth beside what is published: JSON lines, one object a line (docs/simulate.md).

The first line says of which city, seed and scenario; then come the scenario's spells and faults
with their stations and times, and one line for each reading that a fault touched. A reading
without a line is true as it was published.
"""

import json
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from edge.quantities import QUANTITIES
from edge.settings import SettingsError
from simulators.city import SILENT_PATH, City, Columns
from simulators.faults import Faults, Published
from simulators.forces import span_of

FORMAT = 1
TRUTH_BYTES_MAX = 2_000_000_000
"""Beyond it only a line that says so is written: a disk must not fill with truth."""
_NAMES = list(QUANTITIES)


def _line(tree: dict[str, Any]) -> str:
    return json.dumps(tree, separators=(",", ":")) + "\n"


def heading(city: City, faults: Faults, period_s: float) -> str:
    """The lines before the first reading: the same whenever they are written."""
    stations = city.stations
    lines = [{
        "type": "truth", "format": FORMAT, "city": city.name, "seed": city.seed,
        "scenario": city.scenario.title, "start_ms": city.start_ms, "period_s": period_s,
    }]
    for key, spell in city.scenario.tables():
        if not key.startswith("fault"):
            span = span_of(spell, city.start_ms)
            what = {
                name: value for name in spell.__struct_fields__
                if (value := getattr(spell, name)) != "" and name not in ("after", "lasts", "ramp")
            }
            lines.append({
                "type": "spell", "key": key, **what, "start_ms": span.start_ms,
                "end_ms": span.end_ms, "ramp_ms": span.ramp_ms,
            })
    for row, span in city.forces.interruptions():
        lines.append({
            "type": "event", "kind": "interruption", "place": stations[row].path,
            "device": stations[row].device, "id": interruption_id(stations[row].station, span),
            "start_ms": span.start_ms, "end_ms": span.end_ms,
            "customers": stations[row].customers,
        })
    lines.append({
        "type": "fault", "id": -1, "kind": "dropout", "place": SILENT_PATH, "quantity": "",
        "start_ms": None, "end_ms": None, "note": "the last two of every six hours UTC",
    })
    lines += [
        {"type": "plant", "place": at.path, "source": at.source, "most_kw": at.plant_kw}
        for at in stations if at.source
    ]
    for one in faults.active:
        lines.append({
            "type": "fault", "id": one.number, "kind": one.fault.kind,
            "place": stations[one.station].path, "device": stations[one.station].device,
            "quantity": one.fault.quantity, "start_ms": one.span.start_ms,
            "end_ms": one.span.end_ms,
        })
    return "".join(map(_line, lines))


def interruption_id(station: str, span: Any) -> str:
    """Id of the event that tells of an outage: the same in every run."""
    return f"{station}-{span.start_ms // 1000}"


class Truth:
    """Writes the truth of one run; a run that is started again goes on in the same file."""

    def __init__(self, path: Path, city: City, faults: Faults, period_s: float) -> None:
        """Raises `SettingsError` if the file cannot be written or tells of another run."""
        self._city = city
        head = heading(city, faults, period_s)
        try:
            if path.exists() and path.stat().st_size:
                with path.open(encoding="utf-8") as file:
                    if file.read(len(head)) != head:
                        raise SettingsError(
                            f"--truth {path}: tells of another seed, scenario or start; "
                            "give another file"
                        )
                head = ""
            self._file: TextIO = path.open("a", encoding="utf-8", newline="\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"--truth {path}: {error}") from None
        self._left = TRUTH_BYTES_MAX - path.stat().st_size
        self._write(head)

    def readings(self, true: Columns, told: Published) -> None:
        """Note the readings that a fault touched, in the order of their true times."""
        touched = np.nonzero(told.faults)[0]
        if not len(touched):
            return
        ways: dict[int, list[list[Any]]] = {int(row): [] for row in touched}
        columns = (told.row.tolist(), told.sent_ms.tolist(), told.time_ms.tolist())
        for row, sent_ms, time_ms, value in zip(*columns, told.value.tolist(), strict=True):
            if row in ways:
                ways[row].append([sent_ms, time_ms, value])
        self._write("".join(
            _line({
                "type": "reading", "place": self._city.stations[int(true.station[row])].path,
                "quantity": _NAMES[int(true.quantity[row])], "time_ms": int(true.time_ms[row]),
                "value": float(true.value[row]),
                "faults": [k for k in range(64) if int(told.faults[row]) >> k & 1],
                "published": ways[row],
            })
            for row in ways
        ))

    def _write(self, text: str) -> None:
        if self._left <= 0:
            return
        self._left -= len(text)
        if self._left <= 0:
            text = _line({"type": "cut", "note": f"the file holds {TRUTH_BYTES_MAX} bytes"})
        self._file.write(text)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
