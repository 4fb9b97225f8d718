"""Windows: when they close, what is said anew; as texts that show both sides of each edge."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine import windows as module
from engine.catalogue import INDICATORS
from engine.points import Points
from tests.town import Reading, Town, at, row

GOLDEN = Path(__file__).parent / "golden"
DAY = "2026-03-02"


class Story:
    """A town whose life is written down, for people."""

    def __init__(self, title: str, indicator: str, *rows: object, grace_s: int = 60) -> None:
        self.town = Town(list(rows), grace_s)  # type: ignore[arg-type]
        self.indicator = indicator
        self.lines = [title, ""]

    def say(self, text: str) -> None:
        self.lines.append(text)

    def take(self, device: str, quantity: str, times: list[str], value: float) -> None:
        """Readings at times of the day."""
        self.town.take(
            Reading(device, quantity, at(f"{DAY} {time}"), value) for time in times
        )
        told = times[0] if len(times) == 1 else f"{times[0]} … {times[-1]} ({len(times)})"
        self.say(f"         {device} reports {quantity} {value:g} at {told}")

    def tick(self, time: str, *, with_open: bool = False) -> None:
        """Move the clock and write down what is said of the indicator."""
        points = self.town.tick(at(f"{DAY} {time}"), with_open=with_open)
        self.say(f"{time}")
        self.lines += self.told(points) or ["         (nothing)"]

    def told(self, points: Points) -> list[str]:
        found = []
        for k in range(len(points)):
            entry = INDICATORS[points.indicator[k]]
            if entry.key != self.indicator:
                continue
            end = datetime.fromtimestamp(int(points.end_s[k]), UTC).strftime("%H:%M")
            level = int(points.level[k])
            value = f"{points.value[k]:.{entry.digits}f} {entry.unit}" if level >= 0 else (
                f"insufficient (value {points.value[k]:g}, level {level})"
            )
            state = "in progress" if points.rev[k] == 0 else f"revision {points.rev[k]}"
            key = self.town.vitals.registry.keys[points.place[k]]
            covered = f"{points.cov[k]:.0%} covered"
            found.append(f"         {key.path:<14} until {end}: {value}, {covered}, {state}")
        return found

    def check(self, name: str) -> None:
        """Compare with `golden/windows_<name>.txt`."""
        text = "\n".join(self.lines) + "\n"
        path = GOLDEN / f"windows_{name}.txt"
        assert path.is_file(), f"write {path}:\n{text}"
        assert text == path.read_text(encoding="utf-8")


def minutes(start: str, count: int, step: int = 1) -> list[str]:
    """Times of the day, `step` minutes apart."""
    first = at(f"{DAY} {start}")
    return [
        datetime.fromtimestamp(first + 60 * step * k, UTC).strftime("%H:%M:%S")
        for k in range(count)
    ]


def test_closing() -> None:
    story = Story(
        "When a block of 15 minutes closes. Two meters report every minute; grace is 60 s.",
        "energy.demand_15min", row("m1", "centre/east"), row("m2", "centre/west"),
    )
    story.say("\n-- The first has delivered up to the end: its block closes by its own time.")
    story.take("m1", "power", minutes("10:00", 15), 4)
    story.take("m2", "power", minutes("10:00", 14), 2)
    story.tick("10:15:00")
    story.say("\n-- The second lacks one minute; its last reading closes its block.")
    story.take("m2", "power", ["10:14:00"], 2)
    story.tick("10:15:01")
    story.say("\n-- (Windows close when the minute changes.)")
    story.tick("10:16:00")
    story.say("\n-- One meter falls silent. The other's block closes, the areas wait for grace.")
    story.take("m1", "power", minutes("10:15", 15), 4)
    story.tick("10:30:00")
    story.tick("10:30:59")
    story.tick("10:31:00")
    story.say("\n-- A station that is dead goes on being said to be so.")
    story.take("m1", "power", minutes("10:30", 15), 4)
    story.tick("10:46:00")
    story.check("closing")


def test_late() -> None:
    story = Story(
        "What comes late. A meter that reports every minute; grace is 60 s.",
        "energy.demand_15min", row("m1", "centre/east"),
    )
    story.take("m1", "power", minutes("10:00", 13), 4)
    story.say("\n-- Silent since 10:12. The block until 10:15 closes at 10:16 by the clock.")
    story.tick("10:15:59")
    story.say("\n-- One second before closing: a reading is on time.")
    story.take("m1", "power", ["10:13:00"], 32)
    story.tick("10:16:00")
    story.say("\n-- One second after it: late, and the block is said anew, with that reading.")
    story.take("m1", "power", ["10:14:00"], 36)
    story.tick("10:16:01")
    story.tick("10:17:00")
    story.say("\n-- Later still, one that says the same: the value stays, the revision tells.")
    story.take("m1", "power", ["10:14:30"], 8)
    story.tick("11:00:00")
    story.check("late")


def test_the_second_that_divides_on_time_from_late() -> None:
    town = Town([row("a1", "centre/air", 60)])
    hour, vitals = at(f"{DAY} 10:00"), town.vitals
    town.take(Reading("a1", "no2", hour + 60 * k, 30.0) for k in range(58))
    town.tick(hour + 3659)
    town.take([Reading("a1", "no2", hour + 3480, 30.0)])
    assert not len(vitals.take_restated().slots)
    town.tick(hour + 3660)
    town.take([Reading("a1", "no2", hour + 3600, 30.0)])
    assert not len(vitals.take_restated().slots)
    town.take([Reading("a1", "no2", hour + 3599.5, 30.0)])
    late = vitals.take_restated()
    assert (late.slots.tolist(), late.readings.tolist()) == ([0], [1])
    assert late.oldest_ns.tolist() == [(hour + 3600) * 10**9 - 500_000_000]
    town.tick(hour + 3720)
    assert town.last("dq.completeness", "centre/air")[hour + 3600][1] == 2


def test_first_and_open() -> None:
    story = Story(
        "How a station begins. It reports PM2.5 every 5 minutes, so it owes 12 readings an hour.",
        "dq.completeness", row("a1", "centre/air", 300),
    )
    story.say("\n-- Nothing is said before its first reading. An hour in progress has revision 0")
    story.say("-- and is held against what is owed so far.")
    story.tick("08:00:00", with_open=True)
    story.take("a1", "pm25", minutes("10:20", 3, 5), 8)
    story.tick("10:35:00", with_open=True)
    story.take("a1", "pm25", minutes("10:35", 5, 5), 8)
    story.tick("11:00:00", with_open=True)
    story.say("\n-- A reading older than the first known: its hour and those between are said,")
    story.say("-- for the first time, so with revision 1.")
    story.take("a1", "pm25", ["08:10:00"], 8)
    story.tick("11:01:00")
    story.check("first")


def test_catch_up_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CATCH_UP_MAX", 3)
    story = Story(
        "After a stop of three hours, with room for three windows at once.",
        "energy.demand_15min", row("m1", "centre/east"),
    )
    story.take("m1", "power", minutes("10:00", 15), 4)
    story.tick("10:15:00")
    story.tick("13:16:00")
    story.tick("13:31:00")
    story.check("catch_up")
    assert sum(windows.left_out for windows in story.town.vitals.windows) > 0


def test_a_member_is_found_by_every_series_it_has() -> None:
    town = Town([row("a1", "centre/air", 300), row("a2", "centre/air", 300)])
    for device, quantity in (("a1", "pm25"), ("a2", "pm25"), ("a1", "no2")):
        town.take([Reading(device, quantity, at(f"{DAY} 10:00"), 5.0)])
    town.tick(at(f"{DAY} 10:01"))
    hours = town.vitals.windows[0]
    assert len(hours.closed) == 1
    assert hours.family.members.table.shape == (1, 12)
    town.tick(at(f"{DAY} 11:00"))
    assert hours.closed.tolist() == [at(f"{DAY} 10:00") // 3600 - 1]
    town.tick(at(f"{DAY} 11:01"))
    assert hours.closed.tolist() == [at(f"{DAY} 10:00") // 3600]


def test_a_new_station_joins_its_areas_in_the_past() -> None:
    """Its backlog restates what the areas said, and only from its first reading on."""
    town = Town([row("m1", "centre/east"), row("m2", "harbour/west")])
    start = at(f"{DAY} 10:00")
    for k in range(60):
        town.take([Reading("m1", "power", start + 60 * k, 4.0)])
        town.tick(start + 60 * k + 30)
    town.tick(start + 3660)
    assert town.last("energy.demand_15min", "_/_") == {
        start + 900 * k: (4.0, 1) for k in range(1, 5)
    }
    assert town.last("energy.demand_15min", "harbour/_") == {}
    town.take(Reading("m2", "power", start + 1800 + 60 * k, 2.0) for k in range(30))
    town.tick(start + 3720)
    assert town.last("energy.demand_15min", "_/_") == {
        start + 900: (4.0, 1), start + 1800: (4.0, 1), start + 2700: (6.0, 2),
        start + 3600: (6.0, 2),
    }
    # The district never said anything before: this is its first word, not a restatement.
    assert town.last("energy.demand_15min", "harbour/_") == {
        start + 2700: (2.0, 1), start + 3600: (2.0, 1),
    }


def test_a_retired_station_falls_silent_without_being_called_dead() -> None:
    rows = [row("m1", "centre/east"), row("m2", "centre/west")]
    rows.append(row("m2", "centre/west", since=f"{DAY} 10:15", status="retired"))
    town = Town(rows)
    start = at(f"{DAY} 10:00")
    for k in range(30):
        town.take([Reading("m1", "power", start + 60 * k, 4.0)])
        if k < 15:
            town.take([Reading("m2", "power", start + 60 * k, 2.0)])
        town.tick(start + 60 * k + 30)
    town.tick(start + 1860)
    assert town.last("energy.demand_15min", "centre/west") == {start + 900: (2.0, 1)}
    assert town.last("energy.demand_15min", "centre/_") == {
        start + 900: (6.0, 1), start + 1800: (4.0, 1),
    }


def test_revisions_are_forgotten_with_the_horizon() -> None:
    town = Town([row("m1", "centre/east")])
    start = at(f"{DAY} 10:00")
    town.take(Reading("m1", "power", start + 60 * k, 4.0) for k in range(13))
    town.tick(start + 1000)
    town.take([Reading("m1", "power", start + 840, 4.0)])
    town.tick(start + 1060)
    blocks = town.vitals.windows[4]
    assert list(blocks.revisions.values()) == [2]
    assert set(blocks.areas.revisions.values()) == {2}
    town.tick(start + 9 * 86_400)
    assert blocks.revisions == blocks.areas.revisions == {}


def test_levels_of_areas_count_stations_over_the_limit() -> None:
    rows = [row(f"a{k}", f"centre/air{k}", 60) for k in range(4)]
    town = Town(rows)
    start = at(f"{DAY} 10:00")
    town.take(
        Reading(f"a{k}", "no2", start + 60 * minute, 50.0 * (k + 1))
        for k in range(4) for minute in range(60)
    )
    points = town.tick(start + 3660)
    keys = [town.vitals.registry.keys[place].path for place in points.place]
    (area,) = [
        k for k in range(len(points))
        if keys[k] == "centre/_" and INDICATORS[points.indicator[k]].key == "air.us_aqi_no2"
    ]
    stations = sorted(
        points.value[k] for k in range(len(points))
        if keys[k] != "centre/_" and keys[k] != "_/_"
        and INDICATORS[points.indicator[k]].key == "air.us_aqi_no2"
    )
    assert points.value[area] == points.max[area] == stations[-1]
    assert points.p50[area] == np.quantile(stations, 0.5)
    assert points.p95[area] == np.quantile(stations, 0.95)
    assert points.n[area] == 4
    assert points.over[area] == sum(value > 100 for value in stations)
