"""A station that gets another zone: each day by the zone in force when it begins, in all ways."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edge import wire
from edge.places import PlacesError, load, render
from engine.catalogue import INDICATORS
from ingest.admission import Opened, opened
from ingest.compute import compute
from ingest.explain import Question, explain
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests.explained_city import told
from tests.line_city import CITY, MS, START_MS, row, write_places

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
STEP_MS = 900_000
FIRST_MS = START_MS // DAY_MS * DAY_MS
CHANGE_MS = FIRST_MS + DAY_MS + 12 * HOUR_MS
BEFORE = replace(row("z1", "sz1", period_s=900.0), tz="UTC")
AFTER = replace(BEFORE, valid_from_ms=CHANGE_MS, tz="Etc/GMT-3")
"""Three hours east of UTC."""
DAYS = 5
STEPS = range(DAYS * 96)
LATE = range(100, 104)
"""Steps of the morning of the change, whose readings come on the third day."""
LATE_STEP = 250
KEYS = ("noise.laeq_day", "noise.lden", "energy.load_factor_day", "air.us_aqi_day",
        "dq.completeness_30d")
BY_PANES = {"dq.completeness_30d"}
"""Of days by which panes are cut: those go on as before."""
ENDS = [24, 48, 69, 93, 117]
"""Hours after the first midnight at which days end: the third has 21."""
Points = dict[tuple[str, int], tuple[float, int]]


def messages(steps: Sequence[int], received_ms: int) -> list[Opened]:
    """All quantities of some steps."""
    found = []
    for step in steps:
        for k, (quantity, low) in enumerate((("laeq", 50.0), ("power", 1.0), ("pm25", 5.0))):
            payload = wire.encode_single(
                1, step * 3 + k + 1, quantity, FIRST_MS + step * STEP_MS, low + step % 96 / 4)
            found.append(opened(
                Received(f"cv/1/r/{CITY}/centre/sz1/z1", payload), received_ms * MS))
    return found


def lived(folder: Path, restart: str = "", *, announced: bool = True) -> Path:
    """Five days of the station; a restart, if any, comes after the change."""
    folder.mkdir()
    path = write_places(folder / "places.csv", [BEFORE, AFTER] if announced else [BEFORE])
    store = Store.create(folder / "store.db")

    def begun(*, whole: bool) -> Line:
        line = Line(folder / "ingest", Outlets(store), 60)
        line.open(whole=whole)
        return line

    line = begun(whole=False)
    line.load_places(path, (FIRST_MS - HOUR_MS) * MS)
    for step in STEPS:
        now_ms = FIRST_MS + step * STEP_MS
        if now_ms == CHANGE_MS:
            line.load_places(write_places(path, [BEFORE, AFTER]), now_ms * MS)
        if step not in LATE:
            line.take(messages([step], now_ms), now_ms * MS)
        if step == LATE_STEP:
            if restart:
                line.close()
                line = begun(whole=restart == "replay")
            line.take(messages(LATE, now_ms), now_ms * MS)
        if step % 4 == 3:
            line.tick((now_ms + STEP_MS) * MS, with_open=False)
    end_ms = FIRST_MS + len(STEPS) * STEP_MS
    line.tick((end_ms + HOUR_MS) * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


def said(folder: Path) -> Points:
    """(indicator, window end in ms) -> value and revision."""
    store = Store.reader(folder / "store.db")
    found = {
        (key, point.end_ms): (point.value, point.rev)
        for key in KEYS for point in store.history("centre/sz1", key, 0, 1 << 42, 1000)
    }
    store.close()
    return found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a run without a restart."""
    return lived(tmp_path_factory.mktemp("zones") / "a")


def test_days_end_by_the_zone_in_force_when_they_begin(city: Path) -> None:
    points = said(city)
    for key in KEYS:
        ends = sorted((end_ms - FIRST_MS) / HOUR_MS for name, end_ms in points if name == key)
        assert ends == ([24, 48, 72, 96, 120] if key in BY_PANES else ENDS), key


def test_late_readings_restate_the_day_of_the_change_at_its_old_end(city: Path) -> None:
    points = said(city)
    assert points["noise.laeq_day", FIRST_MS + 48 * HOUR_MS][1] > 1
    assert points["noise.laeq_day", FIRST_MS + 24 * HOUR_MS][1] == 1
    assert points["noise.laeq_day", FIRST_MS + 93 * HOUR_MS][1] == 1


@pytest.mark.parametrize(("restart", "announced"), [
    ("snapshot", True), pytest.param("replay", False, marks=pytest.mark.soak),
])
def test_after_a_restart_as_well(
    city: Path, tmp_path: Path, restart: str, announced: bool
) -> None:
    assert said(lived(tmp_path / "b", restart, announced=announced)) == said(city)


def test_compute_says_what_the_line_said(city: Path, tmp_path: Path) -> None:
    text = "time,place,quantity,value\n" + "".join(
        f"{FIRST_MS + step * STEP_MS},centre/sz1,{quantity},{low + step % 96 / 4}\n"
        for step in STEPS for quantity, low in (("laeq", 50.0), ("power", 1.0), ("pm25", 5.0))
    )
    (tmp_path / "r.csv").write_text(text)
    done = compute(tmp_path / "r.csv", city / "places.csv")
    points, keys = done.points(), done.vitals.registry.keys
    mine = {
        (INDICATORS[points.indicator[k]].key, int(points.end_s[k]) * 1000): float(points.value[k])
        for k in range(len(points)) if keys[points.place[k]].path == "centre/sz1"
    }
    assert {key: value for key, (value, _) in said(city).items()}.items() <= mine.items()


@pytest.mark.parametrize("key", KEYS)
def test_explained_by_the_zone_of_its_time(city: Path, key: str) -> None:
    third, fourth = (72, 96) if key in BY_PANES else (69, 93)
    for hours, zone, begins in (
        (48, "UTC", 24), (third, "Etc/GMT-3", 48), (fourth, "Etc/GMT-3", third),
    ):
        answer = explain(city, Question("centre/sz1", key, FIRST_MS + hours * HOUR_MS))
        assert answer["equal"] is True
        assert answer["window"]["zone"] == zone
        assert answer["window"]["start_ms"] == FIRST_MS + begins * HOUR_MS


def test_hours_that_begin_elsewhere_need_another_station(tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_text(render([BEFORE, replace(AFTER, tz="Asia/Kolkata")]))
    with pytest.raises(PlacesError, match=r"centre/sz1, device z1: tz = 'Asia/Kolkata': its hours"):
        load(path)
    path.write_text(render([replace(BEFORE, tz="Asia/Kolkata"),
                            replace(AFTER, tz="Asia/Colombo"), replace(BEFORE, station="s2")]))
    assert len(load(path)) == 3
