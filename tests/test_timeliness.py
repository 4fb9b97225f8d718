"""Hours of receipt close, are open, are forgotten, and survive a snapshot."""

from pathlib import Path

import pytest

from engine.snapshot import load, save
from engine.timeliness import NAMES
from tests.test_deliveries import HOUR, S1, come, town


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
