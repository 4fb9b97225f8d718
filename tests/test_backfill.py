"""The past of the simulated city comes through the line that takes its present."""

from pathlib import Path

import pytest

from cityvitals import past
from cityvitals.backfill import backfill
from cityvitals.place import write
from ingest.line import Line
from ingest.outlets import Outlets
from ingest.spool import Spool
from ingest.store import Store
from simulators.city import City

END_MS = 1_790_172_900_000  # a Wednesday, 2026-09-23, 14:15 UTC
HOUR_MS = 3_600_000
START_MS = END_MS - 50 * HOUR_MS


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 50 hours: two of them coarse."""
    folder = tmp_path_factory.mktemp("past")
    city = City(1)
    write(folder / "places.csv", past.dated([], city, START_MS, END_MS))
    past.know(folder)
    said: list[float] = []
    backfill(folder, city, START_MS, END_MS, said.append, influx=True)
    assert said == sorted(said)
    assert said[-1] == 1.0
    return folder


def test_every_reading_of_the_city_was_applied(folder: Path) -> None:
    line = Line(folder / "ingest", Outlets(Store.create(folder / "again.db")), 60)
    line.open()
    city = City(1)
    fine_ms = END_MS - 48 * HOUR_MS
    expected = len(city.coarse_readings(START_MS, fine_ms).time_ms)
    expected += sum(len(part.time_ms) for part in city.readings(fine_ms, END_MS, 60))
    expected += len(city.hertz(START_MS, fine_ms, minutes=True).time_ms)
    expected += len(city.hertz(fine_ms, END_MS, minutes=False).time_ms)
    verdicts = line.verdicts()
    line.close()
    assert {name: count for name, count in verdicts.items() if count} == {"applied": expected}


def test_all_indicators_have_lived(folder: Path) -> None:
    store = Store.reader(folder / "store.db")
    kinds = {row.indicator for row in store.last() if row.level >= 0 and row.state == 1}
    assert {"air.us_aqi", "air.us_aqi_day", "traffic.tti", "traffic.ffs", "traffic.tti_peak",
            "energy.demand_15min", "energy.demand_sliding", "energy.demand_peak",
            "energy.consumption_per_capita_day", "dq.completeness"} <= kinds
    hours = store.history("_/_", "air.us_aqi", START_MS, END_MS, 1000)
    assert len(hours) >= 48
    assert sum(row.level >= 0 for row in hours) >= 47
    assert len(store.places()) == 72
    assert len(store.readings()) > 200
    assert store.counts()["revisions"] == 0
    store.close()


def test_the_points_wait_for_influxdb(folder: Path) -> None:
    spool = Spool.create(folder / "spool.db")
    store = Store.reader(folder / "store.db")
    lines = b""
    while (batch := spool.oldest()) is not None:
        lines += batch.body
        spool.done(batch.id, batch.lines)
    names = [line.split(b",", 1)[0] for line in lines.splitlines()]
    assert names.count(b"indicator") + names.count(b"indicator_area") == store.counts()["points"]
    assert names.count(b"indicator_1h") > 1000
    assert names.count(b"indicator_1d") > 0
    store.close()
    spool.close()
