"""The embedded store: what is kept, what replaces what, readers beside a writer, kills, speed."""

import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.places import PlaceKey
from engine.catalogue import INDICATORS, POSITION
from engine.points import Points, concatenate, empty
from ingest.store import Event, Last, PlaceInfo, Reading, Revision, Store, StoreError, Upto
from tests.store_readings import write_readings

ROOT = Path(__file__).parent.parent
DAY_S = 86_400
DAY = 20_414 * DAY_S
KEYS = [PlaceKey("ulm", "centre", "s1"), PlaceKey("ulm", "centre", "s2"),
        PlaceKey("ulm", "centre", ""), PlaceKey("ulm", "", "")]
AQI = "air.us_aqi"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = Store.create(tmp_path / "store.db")
    yield store
    store.close()


def point(end_s: int, value: float, state: int = 1, rev: int | None = None, **more: Any) -> Points:
    """One point of AQI at s1, or what `more` says."""
    points = empty(1)
    columns = {"indicator": POSITION[AQI], "end_s": end_s, "value": value, "level": 1, "cov": 1.0,
               "n": 60, "state": state, "rev": (1 if state else 0) if rev is None else rev}
    for name, column in {**columns, **more}.items():
        getattr(points, name)[0] = column
    return points


def standing(store: Store) -> dict[tuple[str, str], list[tuple[int, float, int]]]:
    """(end_ms, value, state) of `last`, by series."""
    found: dict[tuple[str, str], list[tuple[int, float, int]]] = {}
    for row in sorted(store.last(), key=lambda row: row.state):
        found.setdefault((row.path, row.indicator), []).append((row.end_ms, row.value, row.state))
    return found


def test_a_closed_point_is_in_history_and_last(store: Store) -> None:
    store.write(point(DAY + 60, 51.5, place=2, p50=40.0, p95=50.0, max=51.5, over=3), KEYS, 7)
    (last,) = store.last()
    assert last[:-1] == Last("centre/_", AQI, (DAY + 60) * 1000, 51.5, 1, 1.0, 60, 1, 1,
                             40.0, 50.0, 51.5, 3, 7, 0)[:-1]
    (sample,) = store.history("centre/_", AQI, 0, 2**50, 10)
    assert (sample.end_ms, sample.value, sample.low, sample.high) == (
        (DAY + 60) * 1000, 51.5, 51.5, 51.5)
    assert store.history("centre/s1", AQI, 0, 2**50, 10) == []


def test_points_keep_their_name_when_a_release_puts_indicators_before_a_citys_own(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A city's own are the last of the catalogue: what comes with a release moves them."""
    own, last = "weather.heat_index", len(INDICATORS)
    entry = replace(INDICATORS[0], domain="weather", id="heat_index")
    monkeypatch.setattr("ingest.store.INDICATORS", (*INDICATORS, entry))
    store.write(point(DAY + 60, 30.0, indicator=last), KEYS, 7)
    store.close()
    added = replace(INDICATORS[0], id="of_a_release")
    monkeypatch.setattr("ingest.store.INDICATORS", (*INDICATORS, added, entry))
    store = Store.create(store._path)
    store.write(point(DAY + 120, 40.0, indicator=last), KEYS, 8)
    store.write(point(DAY + 120, 31.0, indicator=last + 1), KEYS, 8)
    found = {row.indicator: row.value for row in store.last()}
    assert found == {own: 31.0, "air.of_a_release": 40.0}
    assert [row.value for row in store.history("centre/s1", own, 0, 2**50, 10)] == [30.0, 31.0]
    store.close()


def test_a_station_has_no_spread(store: Store) -> None:
    store.write(point(DAY, 5.0), KEYS, 0)
    assert store.last()[0][9:13] == (None, None, None, -1)


def test_the_window_in_progress_is_only_in_last(store: Store) -> None:
    store.write(point(DAY + 60, 1.0, state=0), KEYS, 0)
    store.write(point(DAY + 60, 2.0, state=0), KEYS, 0)
    assert standing(store) == {("centre/s1", AQI): [((DAY + 60) * 1000, 2.0, 0)]}
    assert store.history("centre/s1", AQI, 0, 2**50, 10) == []
    assert store.counts()["points"] == 0


def test_closing_ends_the_window_in_progress(store: Store) -> None:
    store.write(point(DAY + 60, 1.0, state=0), KEYS, 0)
    store.write(point(DAY + 60, 1.5), KEYS, 0)
    assert standing(store) == {("centre/s1", AQI): [((DAY + 60) * 1000, 1.5, 1)]}
    store.write(point(DAY + 60, 1.0, state=0), KEYS, 0)  # said again, too late
    assert standing(store) == {("centre/s1", AQI): [((DAY + 60) * 1000, 1.5, 1)]}
    store.write(concatenate([point(DAY + 180, 9.0, state=0), point(DAY + 120, 2.0)]), KEYS, 0)
    assert standing(store) == {("centre/s1", AQI): [
        ((DAY + 180) * 1000, 9.0, 0), ((DAY + 120) * 1000, 2.0, 1)]}


def test_an_older_window_never_replaces_a_newer_one(store: Store) -> None:
    store.write(point(DAY + 120, 2.0), KEYS, 0)
    store.write(point(DAY + 60, 1.0), KEYS, 0)
    assert standing(store) == {("centre/s1", AQI): [((DAY + 120) * 1000, 2.0, 1)]}
    store.write(point(DAY + 120, 2.5, rev=2), KEYS, 0)
    assert standing(store) == {("centre/s1", AQI): [((DAY + 120) * 1000, 2.5, 1)]}
    assert [x.value for x in store.history("centre/s1", AQI, 0, 2**50, 10)] == [1.0, 2.5]


def test_revisions_keep_what_stood_before(store: Store) -> None:
    store.write(point(DAY + 60, 1.0), KEYS, 10)
    # Two restatements of a window may come in one batch, in any order.
    store.write(concatenate([point(DAY + 60, 3.0, rev=3, level=2), point(DAY + 60, 2.0, rev=2)]),
                KEYS, 20)
    end_ms = (DAY + 60) * 1000
    expected = [Revision(end_ms, 2, 1.0, 1, 2.0, 1, 1.0, 60, 20),
                Revision(end_ms, 3, 2.0, 1, 3.0, 2, 1.0, 60, 20)]
    assert store.revisions("centre/s1", AQI, end_ms, end_ms) == expected
    assert store.revisions("centre/s1", AQI, end_ms + 1, 2**50) == []
    assert store.history("centre/s1", AQI, 0, 2**50, 9)[0].value == 3.0
    # A replay after a kill says it all again: nothing is added, nothing else stands at its end.
    store.write(point(DAY + 60, 1.0), KEYS, 10)
    store.write(point(DAY + 60, 2.0, rev=2), KEYS, 20)
    store.write(point(DAY + 60, 3.0, rev=3, level=2), KEYS, 20)
    assert store.revisions("centre/s1", AQI, 0, 2**50) == expected
    assert store.history("centre/s1", AQI, 0, 2**50, 9)[0].value == 3.0
    store.write(point(DAY + 120, 5.0, rev=2), KEYS, 30)
    assert store.revisions("centre/s1", AQI, end_ms + 1, 2**50)[0].old_value is None


def test_a_range_includes_both_ends_and_crosses_midnight(store: Store) -> None:
    ends = [DAY - 60, DAY, DAY + 60]
    store.write(concatenate([point(end, float(i)) for i, end in enumerate(ends)]), KEYS, 0)
    assert store.counts()["days"] == 2

    def values(from_s: float, to_s: float) -> list[float]:
        found = store.history("centre/s1", AQI, round(from_s * 1000), round(to_s * 1000), 10)
        return [sample.value for sample in found]

    assert values(ends[0], ends[2]) == [0, 1, 2]
    assert values(ends[0] + 0.001, ends[2] - 0.001) == [1]
    assert values(ends[1], ends[1]) == [1]
    assert values(ends[2], ends[0]) == []


def test_what_is_not_finite_is_kept_as_insufficient(store: Store) -> None:
    store.write(point(DAY, math.nan, cov=math.nan), KEYS, 0)
    (sample,) = store.history("centre/s1", AQI, 0, 2**50, 10)
    assert (sample.value, sample.level, sample.cov) == (0, -1, 0)


def test_changes_bring_each_change_once_and_resume(store: Store) -> None:
    start = store.changes(0)
    assert (start.points, start.readings) == ([], [])
    store.write(concatenate([point(DAY, 1.0), point(DAY, 2.0, place=1)]), KEYS, 0)
    write_readings(store, [Reading("centre/s1", "d1", "pm25", "", 5, 1.5, 1, 10.0)])
    first = store.changes(start.seq)
    assert [row.value for row in first.points] == [1.0, 2.0]
    assert [row.value for row in first.readings] == [1.5]
    assert store.changes(first.seq) == (first.upto, [], [])
    store.write(point(DAY + 60, 3.0), KEYS, 0)
    second = store.changes(first.seq)
    assert ([row.value for row in second.points], second.readings) == ([3.0], [])
    assert second.points[0].seq <= second.seq
    store.write(point(DAY - 60, 9.0), KEYS, 0)  # older: no change of what stands
    assert store.changes(second.seq).points == []
    # From the beginning, or from a store that is gone: all that stands.
    for after in (0, second.seq + 10**9):
        assert sorted(row.value for row in store.changes(after).points) == [2.0, 3.0]


def test_changes_come_in_parts_each_once_and_in_the_order_of_their_numbers(store: Store) -> None:
    start = store.changes(0).seq
    for n in range(3):  # points and readings by turns; the first reading changes again
        store.write(point(DAY + n, float(n), place=n), KEYS, 0)
        write_readings(store, [
            Reading("centre/s1", f"d{k}", "pm25", "", n, float(n), 1, 1.0) for k in (0, n)
        ])
    whole = store.changes(start)
    for most in (1, 2, 3, 100):
        points, readings, upto = list[Last](), list[Reading](), Upto(start, start)
        while upto != whole.upto:
            part = store.changes(upto, most)
            assert part.seq > min(upto)  # a client's number grows with each part
            assert max(len(part.points), len(part.readings)) <= most
            assert all(row.seq <= part.upto.points for row in part.points)
            points, readings, upto = points + part.points, readings + part.readings, part.upto
        assert (points, readings) == (whole.points, whole.readings)
        assert store.changes(upto, most) == (whole.upto, [], [])
    ahead = store.changes(whole.seq + 10**9, 100)
    assert (ahead.seq, len(ahead.points)) == (whole.seq, 3)


def test_numbers_go_on_after_reopening_and_start_later_in_a_new_store(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.create(path)
    store.write(point(DAY, 1.0), KEYS, 0)
    seq = store.changes(0).seq
    store.close()
    store = Store.create(path)
    store.write(point(DAY + 60, 2.0), KEYS, 0)
    assert store.changes(seq).seq == seq + 1
    store.close()
    path.write_bytes(b"damaged" * 1000)
    store = Store.create(path)
    assert store.changes(0).seq > seq
    store.close()


def test_only_the_latest_reading_is_kept(store: Store) -> None:
    row = Reading("centre/s1", "d1", "pm25", "", 1000, 1.5, 1, 10.0)
    write_readings(store, [row, row._replace(channel="2")])
    write_readings(store, [row._replace(time_ms=999, value=9.0), row._replace(device="d2")])
    write_readings(store, [row._replace(channel="2", time_ms=2000, value=3.0)])
    write_readings(store, [])
    assert sorted(store.readings()) == sorted([
        row, row._replace(device="d2"), row._replace(channel="2", time_ms=2000, value=3.0)])


def test_places_health_and_events(store: Store) -> None:
    place = PlaceInfo(KEYS[0], "Münster", 48.4, 9.99, "Europe/Berlin", 1.5, 2, 50.0)
    store.write_places([place._replace(name="old"), place._replace(key=KEYS[1])])
    store.write_places([place, place._replace(key=KEYS[2])])
    assert store.places() == [place._replace(key=KEYS[2]), place]
    assert store.health() is None
    health = {"format": 1, "at_ms": 5, "city": "ulm", "sinks": [{"name": "ä", "error": ""}]}
    store.write_health({"at_ms": 1})
    store.write_health(health)
    assert store.health() == health
    for time_ms in (1, 3, 2, 3):
        store.write_event(time_ms, "centre/s1", "restated", AQI, "info", "51 to 54", "late")
    assert [event.time_ms for event in store.events(2)] == [3, 2]
    assert store.events(1)[0] == Event(3, "centre/s1", "restated", AQI, "info", "51 to 54", "late")


def test_prune_forgets_whole_days_and_old_rows(store: Store) -> None:
    for end in (DAY - 1, DAY, DAY + DAY_S):
        store.write(concatenate([point(end, 1.0), point(end, 2.0, rev=2)]), KEYS, 0)
        store.write_event(end * 1000, "_/_", "k", AQI, "info", "t", "x")
    store.write(point(DAY - 1, 1.0, place=1), KEYS, 0)
    store.prune((DAY + 10) * 1000)
    assert [sample.end_ms // 1000 for sample in store.history(
        "centre/s1", AQI, 0, 2**50, 9)] == [DAY, DAY + DAY_S]
    assert [event.time_ms // 1000 for event in store.events(9)] == [DAY + DAY_S]
    assert [row.path for row in store.last()] == ["centre/s1"]
    assert len(store.revisions("centre/s1", AQI, 0, 2**50)) == 1
    store.write(point(DAY - 1, 3.0), KEYS, 0)  # the day comes back if it is written again
    assert store.counts()["days"] == 3


def test_a_write_that_fails_leaves_nothing_and_the_next_works(store: Store) -> None:
    wrong = [*KEYS[:1], PlaceKey("ulm", "centre", None)]  # type: ignore[arg-type]
    store._connection.execute("CREATE TRIGGER no BEFORE INSERT ON last WHEN NEW.value = 13"
                              " BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    with pytest.raises(StoreError, match="disk is full"):
        store.write(concatenate([point(DAY, 1.0), point(DAY, 13.0, place=1)]), wrong, 0)
    assert store.counts() == {"points": 0, "days": 0, "series": 0, "last": 0, "revisions": 0,
                              "sensors": 0, "places": 0, "events": 0}
    store.write(concatenate([point(DAY, 1.0), point(DAY, 2.0, place=1)]), KEYS, 0)
    assert store.counts()["points"] == store.counts()["series"] == 2


def test_a_reader_needs_a_store_and_cannot_write(tmp_path: Path, store: Store) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        Store.reader(tmp_path / "absent.db")
    reader = Store.reader(tmp_path / "store.db")
    with pytest.raises(StoreError, match="readonly"):
        reader.write_health({"at_ms": 1})
    store.write(point(DAY, 1.0), KEYS, 0)
    assert len(reader.last()) == 1
    store.close()
    assert len(reader.last()) == 1, "reading goes on when the writer has gone"
    reader.close()
    reader = Store.reader(tmp_path / "store.db")
    assert len(reader.last()) == 1, "and may begin then"
    reader.close()
    with pytest.raises(StoreError, match="closed"):
        reader.last()


def test_a_reader_follows_to_the_store_that_replaces_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store.create(path).close()
    reader = Store.reader(path)
    path.write_bytes(b"damaged" * 10_000)
    store = Store.create(path)
    store.write(point(DAY, 1.0), KEYS, 0)
    assert [row.value for row in reader.last()] == [1.0]
    reader.close()
    store.close()


WRITER = """
import sys
from pathlib import Path
from ingest.store import Store
from tests.test_store import DAY, KEYS, concatenate, point
store = Store.create(Path(sys.argv[1]))
for i in range(1, 100_000):
    batch = [point(DAY + 60 * i, float(i), place=place) for place in range(4)]
    store.write(concatenate(batch), KEYS, i)
    print(i, flush=True)
"""


def test_kill_9_of_the_writer_while_a_second_process_reads(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = int(process.stdout.readline())
    reader = Store.reader(path)
    seen = 0
    while said < 300:
        said = int(process.stdout.readline())
        rows = reader.last()
        ends = {row.end_ms for row in rows}
        assert (len(rows), len(ends)) == (4, 1), "a write is seen whole or not at all"
        assert rows[0].value >= max(said, seen)
        seen = int(rows[0].value)
    process.send_signal(signal.SIGKILL)
    said = max([said, *map(int, process.stdout.read().split())])
    process.stdout.close()
    process.wait()
    store = Store.create(path)
    assert store.counts()["points"] in (4 * said, 4 * (said + 1))
    store.write(point(DAY, 1.0), KEYS, 0)
    store.close()
    reader.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(
    st.integers(0, 1), st.integers(0, 2), st.integers(-2, 3), st.integers(0, 2),
    st.integers(0, 100), st.integers(1, 3)), max_size=8), max_size=6))
def test_any_order_of_points_stands_as_a_plain_model_says(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[int, ...]]]
) -> None:
    store = Store.create(tmp_path_factory.mktemp("model") / "store.db")
    days: dict[tuple[int, int, int], float] = {}
    last: dict[tuple[int, int, int], tuple[int, float]] = {}
    for batch in batches:
        parts = [point(DAY + 3600 * end, float(value), state, rev if state else 0,
                       place=place, indicator=indicator)
                 for indicator, place, end, state, value, rev in batch]
        store.write(concatenate(parts), KEYS, 0)
        # Closed before open; within a window by revision, else as they come.
        for indicator, place, end, state, value, _ in sorted(
                batch, key=lambda row: (row[3] == 0, row[2], row[5] if row[3] else 0)):
            series, is_open = (indicator, place), state == 0
            if not is_open:
                days[(*series, end)] = float(value)
                if last.get((*series, 1), (end + 1, 0.0))[0] <= end:
                    del last[(*series, 1)]
            elif last.get((*series, 0), (end - 1, 0.0))[0] >= end:
                continue
            if last.get((*series, is_open), (end, 0.0))[0] <= end:
                last[(*series, is_open)] = (end, float(value))
    found = {
        (POSITION[row.indicator], [key.path for key in KEYS].index(row.path), row.state == 0):
            ((row.end_ms // 1000 - DAY) // 3600, row.value) for row in store.last()}
    assert found == last
    for indicator in range(2):
        for place in range(3):
            history = store.history(KEYS[place].path, INDICATORS[indicator].key, 0, 2**50, 100)
            assert [((x.end_ms // 1000 - DAY) // 3600, x.value) for x in history] == [
                (key[2], days[key]) for key in sorted(days) if key[:2] == (indicator, place)]
    store.close()


def test_a_day_of_sixty_stations_is_written_and_read_whole(store: Store) -> None:
    """60 stations; one series of each has a value every minute, the others every 5 minutes."""
    minutes = np.arange(1440)
    keys = [PlaceKey("ulm", f"d{i % 3}", f"s{i}") for i in range(60)]
    parts = []
    for indicator, step in ((0, 1), (1, 5), (2, 5), (3, 5)):
        ends = DAY + 60 * minutes[::step]
        points = empty(60 * len(ends))
        points.place[:] = np.tile(np.arange(60), len(ends))
        points.end_s[:] = np.repeat(ends, 60)
        points.indicator[:] = indicator
        points.value[:] = np.random.default_rng(1).random(len(points)) * 100
        points.level[:], points.cov[:], points.n[:], points.rev[:] = 1, 1, 60, 1
        points.state[:] = 1
        parts.append(points)
    day = concatenate(parts)
    store.write(day, keys, 0)
    for key in keys[:20]:
        found = store.history(
            key.path, INDICATORS[0].key, DAY * 1000, (DAY + DAY_S) * 1000, 2000
        )
        assert len(found) == 1440
    assert os.stat(store._path).st_size < 100 * len(day)


def test_a_store_with_events_is_opened_again_and_not_called_damaged(tmp_path: Path) -> None:
    """SQLite 3.40 says of such a table that it has a NULL where there is none."""
    store = Store.create(tmp_path / "store.db")
    store.write_event(1, "centre/s1", "restated", "air.us_aqi", "info", "a title", "a text")
    store.close()
    store = Store.create(tmp_path / "store.db")
    assert [event.severity for event in store.events(10)] == ["info"]
    store.close()
    assert not list(tmp_path.glob("*.damaged*"))
