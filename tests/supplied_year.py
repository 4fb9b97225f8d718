"""A data folder of fourteen months of two feeders: what is told of a whole year of supply."""

from dataclasses import replace
from pathlib import Path

from edge import wire
from edge.facts import HEADING
from engine.catalogue import POSITION
from ingest.admission import opened
from ingest.facts_in_force import take
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests.explained_city import told
from tests.line_city import MINUTE_MS, MS, row, topic, write_places
from tests.town import at

OF_A_YEAR = tuple(f"energy.{name}" for name in (
    "saifi", "saidi", "maifi", "asai", "caidi", "tmed", "saifi_without_med", "saidi_without_med",
    "consumption_per_capita", "consumption_per_capita_ytd", "consumption_per_capita_day",
))
_FAMILIES = {POSITION[key] for key in (*OF_A_YEAR, "energy.demand_peak")}
DAY_MS = 1440 * MINUTE_MS
FIRST_MS = at("2025-01-01 00:00") * 1000
DAYS = 425
STEP_DAYS = 4
SERVED = {"d1": 120, "d2": 800}
FACTS = f"""{HEADING}
valid_from,place,fact,value,unit,source
2024-01-01,_/_,population,2300,1,Census of 2024
2024-01-01,centre/_,population,2100,1,Census of 2024
2024-01-01,_/_,customers,1000,1,The grid's operator
"""


def _of_day(day: int, device: str, number: int) -> bytes:
    """The power of a day by quarters of an hour, in one message."""
    mean = 3.0 + SERVED[device] / 400 + day % 7 / 10
    return wire.encode_block(
        1, number, "power", FIRST_MS + day * DAY_MS,
        offsets_ms=[k * 15 * MINUTE_MS for k in range(96)],
        values=[round(mean + k % 12 / 16, 4) for k in range(96)])


def _cut(day: int, device: str, number: int) -> bytes:
    """An interruption of a day: of some minutes, and once of most of it."""
    begin_ms = FIRST_MS + day * DAY_MS + (day % 20) * 60 * MINUTE_MS
    minutes = 1200 if day == 300 else 2 + day % 90
    return wire.encode_event(
        1, number, "interruption", f"{device}-{day}", begin_ms,
        end_ms=begin_ms + minutes * MINUTE_MS, customers=SERVED[device] - day % 100)


def supplied_year(folder: Path) -> Path:
    """Only the families of years, of demand's peaks and of interruptions are computed."""
    path = write_places(folder / "places.csv", [
        replace(row(device, f"s{device[1:]}", period_s=900.0), customers=served, tz="UTC")
        for device, served in SERVED.items()
    ])
    (folder / "facts.csv").write_text(FACTS, encoding="utf-8")
    store = Store.create(folder / "store.db")
    line = Line(folder / "ingest", Outlets(store), 60)
    line.open()
    line.vitals.windows = [
        windows for windows in line.vitals.windows if _FAMILIES & set(windows.family.indicators)
    ]
    line.load_places(path, (FIRST_MS - DAY_MS) * MS)
    take(line, folder / "facts.csv", (FIRST_MS - DAY_MS) * MS)
    for day in range(DAYS):
        came_ns = (FIRST_MS + (day + 1) * DAY_MS) * MS
        payloads = {device: [_of_day(day, device, 2 * day + 1)] for device in SERVED}
        if day % 9 == 5:
            payloads["d1" if day % 2 else "d2"].append(
                _cut(day, "d1" if day % 2 else "d2", 2 * day + 2))
        line.take([
            opened(Received(topic(device), payload), came_ns)
            for device, those in payloads.items() for payload in those
        ], came_ns)
        if day % STEP_DAYS == 0 or day == DAYS - 1:
            line.tick(came_ns + 20 * MINUTE_MS * MS, with_open=False)
    told(store, FIRST_MS + DAYS * DAY_MS + 20 * MINUTE_MS)
    line.close()
    store.close()
    return folder
