"""Taking points over: what is new, what says the same, what another, and what must stay."""

from pathlib import Path

import pytest

from edge.places import PlaceKey
from engine.catalogue import POSITION
from engine.points import PointState, empty
from ingest.store import Store
from ingest.store_merge import Row, Taken, take_over

KEYS = [PlaceKey("porto", "centre", "s1")]
DAY_S = 86_400


def say(path: Path, values: dict[int, float], rev: int = 1) -> None:
    """Closed points of one series, by window end."""
    store = Store.create(path)
    points = empty(len(values))
    points.indicator[:] = POSITION["air.us_aqi"]
    points.end_s[:] = list(values)
    points.value[:] = list(values.values())
    points.rev[:] = rev
    points.state[:] = PointState.CLOSED
    store.write(points, KEYS, 1000)
    store.close()


def said(path: Path) -> dict[int, float]:
    store = Store.reader(path)
    found = store.history("centre/s1", "air.us_aqi", 0, 1 << 45, 1000)
    store.close()
    return {sample.end_ms // 1000: sample.value for sample in found}


def test_new_same_and_other_points_over_several_days(tmp_path: Path) -> None:
    ours, fresh = tmp_path / "store.db", tmp_path / "fresh.db"
    say(ours, {3600: 1.0, 7200: 2.0, 10_800: 9.0})
    say(fresh, {3600: 1.0, 7200: 5.0, DAY_S + 3600: 7.0})
    rows: list[Row] = []
    assert take_over(ours, fresh, 0, rows.extend) == Taken(1, 1, 1)
    assert said(ours) == {3600: 1.0, 7200: 5.0, 10_800: 9.0, DAY_S + 3600: 7.0}
    assert [(row.path, row.end_s, row.said[0]) for row in rows] == [
        ("centre/s1", 7200, 5.0), ("centre/s1", DAY_S + 3600, 7.0)]
    store = Store.reader(ours)
    assert [row.end_ms for row in store.last()] == [(DAY_S + 3600) * 1000]
    store.close()
    assert take_over(ours, fresh, 0, rows.extend) == Taken(0, 3, 0)


@pytest.mark.parametrize(("keep_before_s", "value"), [(7200, 5.0), (7201, 2.0)])
def test_what_ends_before_a_time_stays_as_it_is(
    tmp_path: Path, keep_before_s: int, value: float
) -> None:
    ours, fresh = tmp_path / "store.db", tmp_path / "fresh.db"
    say(ours, {7200: 2.0})
    say(fresh, {3600: 1.0, 7200: 5.0})
    take_over(ours, fresh, keep_before_s, lambda rows: None)
    assert said(ours) == {3600: 1.0, 7200: value}


def test_an_empty_store_takes_all_with_revisions_and_events(tmp_path: Path) -> None:
    ours, fresh = tmp_path / "store.db", tmp_path / "fresh.db"
    say(fresh, {3600: 1.0})
    say(fresh, {3600: 4.0}, rev=2)
    store = Store.create(fresh)
    store.write_event(1, "centre/s1", "restated", "air.us_aqi", "info", "a title", "a text")
    store.close()
    Store.create(ours).close()
    assert take_over(ours, fresh, 0, lambda rows: None) == Taken(1, 0, 0)
    store = Store.reader(ours)
    (revision,) = store.revisions("centre/s1", "air.us_aqi", 0, 1 << 45)
    assert (revision.old_value, revision.value, revision.rev) == (1.0, 4.0, 2)
    assert [event.title for event in store.events(9)] == ["a title"]
    store.close()
