"""Closing and restating, told so that anybody can read it: `golden/rules_*.txt`, both edges each.

`python -m tests.test_closing_rules` writes the files anew.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.line_city import row
from tests.rules import GOLDEN, Rule, moment

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BLOCK = "energy.demand_15min"
TEN = moment("2026-03-02 10:00")


def minutes(first_ms: int, count: int) -> list[int]:
    """Times a minute apart."""
    return [first_ms + k * MINUTE for k in range(count)]


def grace(folder: Path) -> str:
    rule = Rule(folder, "When a window closes, and when a reading is late", BLOCK)
    rule.say("A meter reports its power every minute. Blocks of 15 minutes; grace is 60 seconds.")
    rule.send("d1", "power", minutes(TEN, 14), 4.0, TEN + 13 * MINUTE)
    rule.say("59 s after the block's end it is still open: its last minute is in time.")
    rule.tick(TEN + 15 * MINUTE + 59_000)
    rule.send("d1", "power", [TEN + 14 * MINUTE], 19.0, TEN + 15 * MINUTE + 59_000)
    rule.tick(TEN + 16 * MINUTE)
    rule.say("The next block, the same, but its last minute comes 61 s after its end: late.")
    second = TEN + 15 * MINUTE
    rule.send("d1", "power", minutes(second, 14), 4.0, second + 13 * MINUTE)
    rule.tick(second + 15 * MINUTE + 59_000)
    rule.tick(second + 16 * MINUTE)
    rule.send("d1", "power", [second + 14 * MINUTE], 19.0, second + 16 * MINUTE + 1000)
    rule.tick(second + 17 * MINUTE)
    rule.events()
    return rule.end()


def horizon(folder: Path) -> str:
    rule = Rule(folder, "How late a reading may come: eight days", BLOCK)
    rule.say("A block of which the meter's last minute is missing. Then the meter lives on.")
    rule.send("d1", "power", minutes(TEN, 14), 4.0, TEN + 13 * MINUTE)
    rule.tick(TEN + 16 * MINUTE)
    last = TEN + 14 * MINUTE
    for day in range(1, 9):
        rule.send("d1", "power", [TEN + day * DAY - HOUR], 4.0, TEN + day * DAY - HOUR, told=False)
        rule.tick(TEN + day * DAY - HOUR + MINUTE, told=False)
    rule.say("7 days 23 h 59 min after its time it comes: late, and the block is said anew.")
    rule.send("d1", "power", [last], 19.0, last + 8 * DAY - MINUTE)
    rule.tick(last + 8 * DAY)
    rule.say("8 days 1 min after its time another of that block comes: too late. It is kept in the")
    rule.lines.append("archive and counted, and changes nothing: the block is final.")
    rule.send("d1", "power", [last + 30_000], 99.0, last + 8 * DAY + MINUTE + 30_000)
    rule.tick(last + 8 * DAY + 3 * MINUTE, told=False)
    rule.counted()
    rule.events()
    return rule.end()


def enough(folder: Path) -> str:
    rule = Rule(folder, "How much of a window there must be: 75 % of its minutes", "air.us_aqi_no2")
    rule.say("An hour of NO2, a reading a minute; 44 of 60 minutes are 73 %, 45 are 75 %.")
    rule.lines.append("(What is covered is told in hours here: of this one, all or nothing.)")
    rule.send("d1", "no2", minutes(TEN, 44), 60.0, TEN + 44 * MINUTE)
    rule.tick(TEN + HOUR + MINUTE)
    rule.say("One late minute more, and the hour has its number.")
    rule.send("d1", "no2", [TEN + 44 * MINUTE], 60.0, TEN + HOUR + 2 * MINUTE)
    rule.tick(TEN + HOUR + 3 * MINUTE)
    rule.events()
    return rule.end()


def revisions(folder: Path) -> str:
    rule = Rule(folder, "Revisions count what was said of a window", BLOCK)
    rule.send("d1", "power", minutes(TEN, 13), 4.0, TEN + 12 * MINUTE)
    rule.tick(TEN + 16 * MINUTE)
    rule.say("Two readings that come late in the same minute are one revision,")
    rule.send("d1", "power", [TEN + 13 * MINUTE], 19.0, TEN + 17 * MINUTE + 1000)
    rule.send("d1", "power", [TEN + 13 * MINUTE + 1000], 19.0, TEN + 17 * MINUTE + 2000)
    rule.tick(TEN + 18 * MINUTE)
    rule.say("one that comes in another minute is another,")
    rule.send("d1", "power", [TEN + 14 * MINUTE], 30.0, TEN + 18 * MINUTE + 1000)
    rule.tick(TEN + 19 * MINUTE)
    rule.say("and where nothing came nothing is said.")
    rule.tick(TEN + 20 * MINUTE)
    rule.events()
    return rule.end()


def dead(folder: Path) -> str:
    rule = Rule(folder, "A sensor that dies still has its last window", BLOCK)
    rule.say("Both meters report until 10:11; d1 goes on, d2 is never heard again.")
    rule.send("d2", "power", minutes(TEN, 12), 2.0, TEN + 11 * MINUTE)
    rule.send("d1", "power", minutes(TEN, 15), 4.0, TEN + 14 * MINUTE + 1000)
    rule.say("10:15: d1 has delivered up to the end, so its block closes. d2's waits.")
    rule.tick(TEN + 15 * MINUTE)
    rule.tick(TEN + 15 * MINUTE + 59_000)
    rule.tick(TEN + 16 * MINUTE)
    rule.say("From then on d2 is said to be insufficient, block by block; it never falls silent.")
    rule.send("d1", "power", minutes(TEN + 15 * MINUTE, 15), 4.0, TEN + 29 * MINUTE + 1000)
    rule.tick(TEN + 31 * MINUTE)
    return rule.end()


def areas(folder: Path) -> str:
    rule = Rule(folder, "Areas follow their stations", BLOCK, areas=True)
    rule.say("A district closes a block when its last station has; centre/_ is the district,")
    rule.lines.append("_/_ the city. Demand of an area is a sum, and needs 75 % of its stations.")
    rule.send("d1", "power", minutes(TEN, 15), 4.0, TEN + 14 * MINUTE)
    rule.send("d2", "power", minutes(TEN, 11), 2.0, TEN + 14 * MINUTE)
    rule.tick(TEN + 15 * MINUTE)
    rule.tick(TEN + 16 * MINUTE)
    rule.say("A late minute of d2 completes it: the station is said anew, and its areas with it.")
    rule.send("d2", "power", [TEN + 11 * MINUTE], 2.0, TEN + 17 * MINUTE)
    rule.tick(TEN + 18 * MINUTE)
    rule.events()
    return rule.end()


def rows(folder: Path) -> str:
    road = replace(row("d1", "s1", period_s=300.0), tz="UTC")
    rule = Rule(
        folder, "A row of the places file that is added late: eight days", "traffic.flow_lane",
        rows=[road],
    )
    rule.say("A road has two lanes. 100 vehicles in five minutes are 600 an hour and lane.")
    five, first = 5 * MINUTE, TEN
    rule.send("d1", "count", [first, first + five], 100.0, first + five)
    rule.tick(first + 2 * five + MINUTE)
    for day in range(1, 9):
        rule.send("d1", "count", [first + day * DAY], 100.0, first + day * DAY, told=False)
        rule.tick(first + day * DAY + five + MINUTE, told=False)
    rule.say("A minute before the second window is eight days old it becomes known that one lane")
    rule.lines.append("was closed that morning, from 09:00 to 11:00. The first window is older, so")
    rule.lines.append("final, and stays. The second is said anew, and its areas with it. The same")
    rule.lines.append("five minutes of the days after that are as they were, without a revision.")
    morning = first + 8 * DAY + 2 * five
    rule.tick(morning - MINUTE, told=False)
    closed = replace(road, valid_from_ms=first - HOUR, lanes=1)
    rule.mend(morning - MINUTE, closed, replace(road, valid_from_ms=first + HOUR))
    rule.say("A minute later that window is final, too: three lanes from 09:59 on change nothing.")
    rule.tick(morning, told=False)
    rule.mend(morning, replace(closed, valid_from_ms=first - MINUTE, lanes=3))
    rule.say("A row that begins in the future changes nothing of the past.")
    rule.mend(morning + MINUTE, replace(road, valid_from_ms=morning + HOUR, lanes=4))
    rule.events()
    return rule.end()


RULES: dict[str, Callable[[Path], str]] = {
    "grace": grace, "horizon": horizon, "enough": enough, "revisions": revisions, "dead": dead,
    "areas": areas, "rows": rows,
}


@pytest.mark.parametrize("name", RULES)
def test_what_the_file_shows_is_what_happens(tmp_path: Path, name: str) -> None:
    text = RULES[name](tmp_path)
    assert text == (GOLDEN / f"rules_{name}.txt").read_text(encoding="utf-8")


def main() -> None:
    """Write the golden files anew."""
    for name, story in RULES.items():
        with tempfile.TemporaryDirectory() as folder:
            (GOLDEN / f"rules_{name}.txt").write_text(story(Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
