"""Hours of receipt close, are open, are forgotten, and survive a snapshot."""

import csv
import gzip
import random
from datetime import datetime
from pathlib import Path

import pytest

from engine.snapshot import load, save
from engine.timeliness import NAMES
from simulators import sample_city
from tests.test_deliveries import HOUR, S1, come, town
from tests.town import Town, row


def test_an_hour_in_progress_is_told_so_far() -> None:
    made = town()
    come(made, HOUR + 600, HOUR + 590)
    points = made.tick(HOUR + 660, with_open=True)
    open_ = {key for path, key, *_, rev in made.said(points) if path == S1 and rev == 0}
    assert {f"dq.{name}" for name in NAMES} <= open_
    quiet = made.tick(HOUR + 661, with_open=True)
    assert not [key for path, key, *_ in made.said(quiet) if key == "dq.late_share"]


def test_a_backlog_of_days_is_told_in_the_hour_in_which_it_came() -> None:
    made = town()
    come(made, HOUR + 600, *(HOUR - 86_400 * day for day in (5, 4, 3, 2, 1)))
    made.tick(HOUR + 3661)
    assert set(made.last("dq.late_share", S1)) == {HOUR + 3600}
    assert made.last("dq.late_share", S1)[HOUR + 3600][0] == 100.0


def test_a_late_reading_says_no_hour_of_receipt_anew() -> None:
    made = town()
    come(made, HOUR + 600, HOUR + 590)
    made.tick(HOUR + 3661)
    come(made, HOUR + 3700, HOUR + 500)
    made.tick(HOUR + 7261)
    assert [rev for _, rev in made.last("dq.late_share", S1).values()] == [1, 1]


def test_hours_without_a_receipt_are_not_told() -> None:
    made = town()
    come(made, HOUR + 600, HOUR + 590)
    made.tick(HOUR + 3661)
    come(made, HOUR + 6 * 3600 + 60, HOUR + 6 * 3600)
    made.tick(HOUR + 7 * 3600 + 61)
    assert set(made.last("dq.late_share", S1)) == {HOUR + 3600, HOUR + 7 * 3600}


def test_a_snapshot_keeps_the_hour(tmp_path: Path) -> None:
    made = town()
    come(made, HOUR + 600, HOUR + 590)
    made.tick(HOUR + 660)
    save(made.vitals, tmp_path / "s", {})
    made.vitals, _ = load(tmp_path / "s", 60)
    made.vitals.deliveries.counting = True
    come(made, HOUR + 700, HOUR + 400)
    made.tick(HOUR + 3661)
    assert made.last("dq.out_of_order_rate", S1)[HOUR + 3600][0] == pytest.approx(50.0)


def test_a_week_of_a_real_road_with_drawn_delays() -> None:
    """Real readings, ways that are drawn, for no recording tells them; against plain lists."""
    rng = random.Random(9)
    with gzip.open(sample_city.recording(), "rt", encoding="utf-8") as file:
        rows = [(datetime.fromisoformat(one["time"]).timestamp(), float(one["value"]))
                for one in csv.DictReader(file)
                if one["quantity"] == "speed" and one["place"] == "ringroad/segment-158324"][:600]
    coming = sorted((time_s + rng.lognormvariate(3, 2), time_s, value) for time_s, value in rows)
    made = Town([row("d", S1, 300.0, since="2014-01-01")])
    made.vitals.deliveries.counting = True
    made.vitals.registry.device("d")
    hours: dict[int, list[tuple[float, float]]] = {}
    newest, older = 0.0, dict[int, int]()
    for received_s, time_s, value in coming:
        end = int(received_s // 3600) * 3600 + 3600
        made.tick(end - 3600 + 1)
        come(made, received_s, time_s, value=value, quantity="speed")
        hours.setdefault(end, []).append((received_s, time_s))
        older[end] = older.get(end, 0) + (time_s < newest)
        newest = max(newest, time_s)
    made.tick(end + 61)
    slow, late, disorder = (
        made.last(f"dq.{name}", S1) for name in ("latency_p95", "late_share", "out_of_order_rate"))
    assert set(late) == set(hours)
    for end, of in hours.items():
        behind = sorted(received_s - time_s for received_s, time_s in of)
        position = (len(behind) - 1) * 0.95
        low, high = behind[int(position)], behind[-int(-position // 1)]
        assert low * 7 / 8 - 0.001 <= slow[end][0] <= high * 9 / 8 + 0.001
        assert late[end][0] == pytest.approx(
            100 * sum(x > 600 for x in behind) / len(behind), abs=1e-9)
        assert disorder[end][0] == pytest.approx(100 * older[end] / len(behind))
    assert len(hours) > 40
    assert sum(value > 0 for value, _ in late.values()) > 3
