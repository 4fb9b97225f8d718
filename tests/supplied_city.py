"""A data folder of a city's supply to explain numbers from: meters of three phases, and facts."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from edge import wire
from edge.facts import HEADING as FACTS
from ingest.admission import Opened, opened
from ingest.facts_in_force import take
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests.explained_city import told
from tests.line_city import MINUTE_MS, MS, START_MS, row, topic, write_places

DAY_MS = 86_400_000
FIRST_MS = START_MS // DAY_MS * DAY_MS
DAYS = 9
PERIOD_MIN = 10
STEP_MIN = 60
PHASES = ("l1", "l2", "l3")
Curve = Callable[[int], float | None]
"""Value by minute since the start; None: the meter says nothing."""


def _daily(mean: float, swing: float, shift: float = 0.0) -> Curve:
    return lambda minute: round(mean + swing * math.sin(2 * math.pi * minute / 1440 + shift), 3)


def _gap(curve: Curve, first: int, last: int) -> Curve:
    return lambda minute: None if first <= minute < last else curve(minute)


SERIES: dict[tuple[str, str, str], Curve] = {
    **{("d1", "power", p): _daily(2.0 + k, 1.5) for k, p in enumerate(PHASES)},
    **{("d1", "reactive", p): _daily(0.8, 0.5, k) for k, p in enumerate(PHASES)},
    **{("d1", "voltage", p): _daily(228.0 + 3 * k, 14.0, k) for k, p in enumerate(PHASES)},
    **{("d1", "angle", p): _daily(-120.0 * k, 2.0, k) for k, p in enumerate(PHASES)},
    **{("d1", "thd", p): _daily(5.0 + k, 3.0) for k, p in enumerate(PHASES)},
    **{("d1", "pst", p): _daily(0.6 + 0.1 * k, 0.5) for k, p in enumerate(PHASES)},
    **{("d2", "voltage", p): _gap(_daily(398.0 + k, 4.0, k), 3000, 4600)
       for k, p in enumerate(("l12", "l23", "l31"))},
    **{("d1", "current", p): _daily(16.0 + k, 7.0) for k, p in enumerate(PHASES)},
    **{("d3", "generation", source): _gap(_daily(mean, swing), first, last)
       for source, mean, swing, first, last in (
           ("hydro", 40.0, 20.0, 0, 0), ("gas_cc", 90.0, 60.0, 5000, 5120),
           ("solar_pv_roof", 4.0, 4.0, 2000, 2200), ("wind", 8.0, 7.0, 0, 0),
           ("import", 20.0, 19.0, 3000, 3050), ("tyres", 1.0, 0.5, 0, 0))},
    **{("d2", "generation", source): _daily(9.0, 8.0) for source in ("coal", "nuclear")},
    ("d2", "power", ""): _gap(_daily(5.0, 2.0), 600, 800),
    ("d2", "reactive", ""): _gap(_daily(0.01, 4.0), 600, 800),
}
FACTS_TEXT = f"""{FACTS}
valid_from,place,fact,value,unit,source
2020-01-01,centre/s1,rated_kva,20,kVA,Plate of the transformer
2020-01-01,centre/s2,rated_kva,300,kVA,Plate of the transformer
2020-01-01,_/_,ef_wind,11.5,g/kWh,Study of the city
2020-01-01,_/_,ef_import,380,g/kWh,The grid's operator
2020-01-01,centre/_,ef_import,350,g/kWh,The grid's operator
2020-01-01,_/_,renewable_import,0.4,1,The grid's operator
2020-01-01,centre/s3,ef_gas_cc,430,g/kWh,Measured at the stack
"""


def _messages(minute: int, numbers: dict[str, int]) -> Iterator[Opened]:
    time_ms = FIRST_MS + minute * MINUTE_MS
    for (device, quantity, channel), curve in SERIES.items():
        value = curve(minute)
        if value is not None:
            numbers[device] = numbers.get(device, 0) + 1
            body = wire.encode_single(
                1, numbers[device], quantity, time_ms, value, channel=channel or None)
            yield opened(Received(topic(device), body), (time_ms + 1000) * MS)


class _Report(NamedTuple):
    """An interruption as it is reported at a minute; begin and end in minutes, too."""

    at: int
    device: str
    id: str
    begin: int
    end: int | None
    customers: int | None
    step: int = 0
    again: bool = False


REPORTS = (
    _Report(120, "d1", "cable", 100, None, 50),
    _Report(1600, "d1", "cable", 100, 1590, 50),
    _Report(660, "d2", "storm", 610, 640, 300),
    _Report(660, "d2", "storm", 610, 655, 100, 1),
    _Report(660, "d2", "storm", 650, 657, 300, 2, True),
    _Report(900, "d2", "blink", 896, 899, 800),
    _Report(3600, "d2", "blink", 896, 903, 800),
    _Report(3000, "d3", "work", 2900, 2960, None),
)


def _reports(first: int, numbers: dict[str, int]) -> Iterator[Opened]:
    for one in REPORTS:
        if first <= one.at < first + STEP_MIN:
            numbers[one.device] = numbers.get(one.device, 0) + 1
            end_ms = None if one.end is None else FIRST_MS + one.end * MINUTE_MS
            body = wire.encode_event(
                1, numbers[one.device], "interruption", one.id, FIRST_MS + one.begin * MINUTE_MS,
                end_ms=end_ms, customers=one.customers, step=one.step, again=one.again)
            yield opened(Received(topic(one.device), body),
                         (FIRST_MS + one.at * MINUTE_MS + 2000) * MS)


def supplied(folder: Path) -> Path:
    """Nine days of two stations through the line: d1 with three phases, d2 with one."""
    period_s = 60.0 * PERIOD_MIN
    rows = [
        replace(row(f"d{k}", f"s{k}", period_s=period_s), customers=served)
        for k, served in ((1, 120), (2, 800), (3, 60))
    ]
    path = write_places(folder / "places.csv", [replace(r, tz="Europe/Berlin") for r in rows])
    (folder / "facts.csv").write_text(FACTS_TEXT, encoding="utf-8")
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.load_places(path, (FIRST_MS - DAY_MS) * MS)
    take(line, folder / "facts.csv", (FIRST_MS - DAY_MS) * MS)
    numbers: dict[str, int] = {}
    for first in range(0, DAYS * 1440, STEP_MIN):
        messages = [one for minute in range(first, first + STEP_MIN, PERIOD_MIN)
                    for one in _messages(minute, numbers)]
        messages += _reports(first, numbers)
        line.take(messages, messages[-1].received_ns)
        line.tick((FIRST_MS + (first + STEP_MIN + 2) * MINUTE_MS) * MS, with_open=False)
    told(store, FIRST_MS + (DAYS * 1440 + 2) * MINUTE_MS)
    line.close()
    store.close()
    return folder
