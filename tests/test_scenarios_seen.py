"""Each scenario is seen by the indicators that should see it, and by nothing else: measured.

What a scenario does is read from its truth file. An alarm is a plain rule over one indicator; its
precision is the share of alarms that lie in a spell of the truth, its recall the share of the
windows wholly within a spell that have an alarm.
"""

import csv
import fnmatch
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge import wire
from edge.places import PlaceKey
from engine.catalogue import POSITION
from ingest.admission import opened
from ingest.line import Line
from ingest.messages import Received
from simulators import chronicle, districts, fleet, scenario
from simulators.city import City
from tests.line_city import MS, Kept
from tests.test_detection import HOUR_MS, HOURS, START_MS, Run, run

Window = tuple[str, int]
STATIONS = {row.path: row for row in districts.stations()}


class Spell(NamedTuple):
    """Where and when something happens, with the time that it takes to come and to go."""

    where: list[str]
    start_ms: int
    end_ms: int
    ramp_ms: int


def spells(of: Run, key: str, **having: Any) -> list[Spell]:
    """Tables of one kind in the truth; `having`: values that they must have."""
    return [
        Spell([path for path in STATIONS if fnmatch.fnmatch(path, line.get("where", "*"))],
              line["start_ms"], line["end_ms"], line["ramp_ms"])
        for line in of.truth
        if line["type"] == "spell" and line["key"].startswith(f"{key}[")
        and all(line.get(name) == value for name, value in having.items())
    ]


def windows(found: Iterable[Spell], kind: str, length_s: int, *, whole: bool) -> set[Window]:
    """Windows of stations of a kind that lie wholly, or at all, within one of the spells."""
    made = set()
    for spell in found:
        first, last = spell.start_ms, min(spell.end_ms, START_MS + HOURS * HOUR_MS)
        if whole:
            first, last = first + spell.ramp_ms, min(spell.end_ms - spell.ramp_ms, last)
        begin_s, over_s = START_MS // 1000, START_MS // 1000 + HOURS * 3600
        for end_s in range(begin_s + length_s, over_s + 1, length_s):
            start_ms, end_ms = (end_s - length_s) * 1000, end_s * 1000
            inside = first <= start_ms and end_ms <= last
            if inside if whole else start_ms < last and first < end_ms:
                made |= {(path, end_s) for path in spell.where if STATIONS[path].kind == kind}
    return made


def alarms(of: Run, indicator: str, kind: str, at_least: float) -> set[Window]:
    """Windows in which an indicator reaches a limit; with a negative limit: in which it is 0."""
    return {
        (path, end_s) for path, station in STATIONS.items() if station.kind == kind
        for end_s, value in of.values(indicator, path).items()
        if (value >= at_least if at_least >= 0 else value == 0)
    }


def above(of: Run, clean: Run, indicator: str, kind: str, factor: float) -> set[Window]:
    """Windows in which an indicator is so many times what it is on the day without a scenario."""
    found = set()
    for path, station in STATIONS.items():
        if station.kind == kind:
            usual = clean.values(indicator, path)
            found |= {(path, end_s) for end_s, value in of.values(indicator, path).items()
                      if value > factor * usual[end_s]}
    return found


def measured(
    found: set[Window], real: list[Spell], kind: str, length_s: int
) -> tuple[float, float]:
    """Precision by windows that touch a spell, recall by those wholly within one."""
    near, whole = (windows(real, kind, length_s, whole=one) for one in (False, True))
    assert whole
    return len(found & near) / max(len(found), 1), len(found & whole) / len(whole)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seen")


@pytest.fixture(scope="module")
def clean(folder: Path) -> Run:
    return run(folder / "clean", "")


def test_an_episode_of_smoke(folder: Path, clean: Run) -> None:
    """Poor air by the European index of PM2.5, where it smoulders; the stuck sensor is in it."""
    of = run(folder / "pollution", "pollution")
    (stuck,) = {line["place"] for line in of.truth if line.get("kind") == "stuck"}
    found = alarms(of, "air.eaqi_2024_pm25", "air", 4)
    real = spells(of, "emission")
    precision, recall = measured(found, real, "air", 3600)
    assert precision == 1.0
    assert recall >= 0.9
    missed = windows(real, "air", 3600, whole=True) - found
    assert len([one for one in missed if one[0] == stuck]) >= 4
    assert not alarms(clean, "air.eaqi_2024_pm25", "air", 4)


def test_an_evening_at_the_stadium(folder: Path, clean: Run) -> None:
    """The roar within a quarter of an hour, more demand than on another day, and slow roads."""
    of = run(folder / "stadium", "stadium")
    found = alarms(of, "noise.laeq_15min", "air", 75)
    real = [one._replace(where=[path for path in one.where if "laeq" in STATIONS[path].quantities])
            for one in spells(of, "people", noise_db=82.0)]
    precision, recall = measured(found, real, "air", 900)
    assert min(precision, recall) >= 0.95
    assert not alarms(clean, "noise.laeq_15min", "air", 75)
    more = above(of, clean, "energy.demand_15min", "feeder", 1.2)
    precision, recall = measured(more, spells(of, "people", demand=1.35), "feeder", 900)
    assert min(precision, recall) >= 0.95


def test_a_day_of_snow(folder: Path, clean: Run) -> None:
    """The city's travel time index, off the peaks, against a day without snow."""
    snowy = run(folder / "snow", "snow").values("traffic.tti", "_/_")
    dry = clean.values("traffic.tti", "_/_")
    late = [end_s for end_s, value in dry.items() if end_s * 1000 > START_MS + 3 * HOUR_MS
            and not math.isnan(value + snowy[end_s])]
    assert len(late) > 40
    assert all(snowy[end_s] > 1.3 > dry[end_s] for end_s in late)


def test_a_closed_road(folder: Path, clean: Run) -> None:
    """No vehicle in five minutes; and those around it are slower than on another day."""
    of = run(folder / "road_closed", "road_closed")
    real = spells(of, "road")
    precision, recall = measured(alarms(of, "traffic.flow", "road", -1), real, "road", 300)
    assert precision == recall == 1.0
    slower = above(of, clean, "traffic.tti", "road", 1.2)
    assert {path for path, _ in slower} == {"centre/road-01", "centre/road-02"}


def test_an_outage_by_demand_and_by_its_events(folder: Path) -> None:
    """No demand in a quarter of an hour, exactly where the truth says; SAIFI, SAIDI by events."""
    of = run(folder / "outage", "outage")
    precision, recall = measured(
        alarms(of, "energy.demand_15min", "feeder", -1), spells(of, "outage"), "feeder", 900)
    assert precision == recall == 1.0
    found = scenario.read(scenario.find("outage"), districts.stations())
    city = City(1, found, START_MS)
    told = [line for line in of.truth if line["type"] == "event"]
    line, kept = line_in(folder / "outage")
    agents = [_Sent(row.device, row.path, line) for row in city.stations]
    outages = fleet.Outages(city, agents, START_MS)  # type: ignore[arg-type]
    for minute in range(0, 24 * 60, 5):
        outages.tell(START_MS + minute * 60_000)
        line.tick((START_MS + minute * 60_000) * MS, with_open=False)
    line.close()
    customers = sum(row.customers for row in city.stations)
    out = sum(one["customers"] for one in told)
    minutes = sum(one["customers"] * (one["end_ms"] - one["start_ms"]) / 60_000 for one in told)
    assert len(told) == 2
    whole = PlaceKey(city.name, "", "")
    values = {name: [float(stated[0]) for (place, key, _), stated in kept.values.items()
                     if key == POSITION[f"energy.{name}_month"] and place == whole]
              for name in ("saifi", "saidi", "caidi")}
    assert values["saifi"][-1] == pytest.approx(out / customers)
    assert values["saidi"][-1] == pytest.approx(minutes / customers)
    assert values["caidi"][-1] == pytest.approx(minutes / out)


def line_in(folder: Path) -> tuple[Line, Kept]:
    """An ingest without a broker over the places of a recording, and what it says."""
    kept = Kept()
    line = Line(folder / "ingest", kept, 60)
    line.open()
    line.load_places(folder / "places.csv", START_MS * MS)
    line.vitals.deliveries.counting = True
    return line, kept


class _Sent:
    """In place of an agent: its messages go straight to ingest."""

    def __init__(self, device: str, path: str, line: Line) -> None:
        self.topic, self.line = f"cv/1/r/{City.name}/{path}/{device}", line

    def put(self, message: Any) -> None:
        now_ms = wire.decode(message(1, 1)).end
        assert now_ms is not None
        self.line.take([opened(Received(self.topic, message(1, 1)), now_ms * MS)], now_ms * MS)


def test_a_fast_clock_disorder_and_repetition_are_told_of_their_stations_alone(
    tmp_path: Path
) -> None:
    """Three hours of six stations over ingest's line, in the order of arrival."""
    found = scenario.read(scenario.find("faults"), districts.stations())
    city, hours = City(1, found, START_MS), 3
    chronicle.write(city, tmp_path / "r.csv", tmp_path / "places.csv", START_MS,
                    START_MS + hours * HOUR_MS, 60.0, tmp_path / "t.jsonl")
    fault = {line["kind"]: line["place"] for line in map(
        json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
        if line["type"] == "fault" and line["id"] >= 0}
    heard = {fault["fast_clock"], fault["reorder"], fault["duplicate"],
             "hills/air-01", "hills/air-02", "hills/air-03"}
    line, kept = line_in(tmp_path)
    numbers: dict[tuple[str, str, str], int] = {}
    minutes: dict[int, list[tuple[str, bytes, int]]] = defaultdict(list)
    with (tmp_path / "r.csv").open() as file:
        for row in csv.DictReader(file):
            if row["place"] not in heard:
                continue
            device = STATIONS[row["place"]].device
            # A message that comes twice has its number twice.
            number = numbers.setdefault((device, row["quantity"], row["time"]), len(numbers) + 1)
            received = int(row["received"])
            payload = wire.encode_single(
                1, number, row["quantity"], int(row["time"]), float(row["value"]))
            topic = f"cv/1/r/{city.name}/{row['place']}/{device}"
            minutes[received // 60_000].append((topic, payload, received))
    for minute in sorted(minutes):
        now_ns = (minute + 1) * 60_000 * MS
        line.take([opened(Received(topic, payload), received * MS)
                   for topic, payload, received in minutes[minute]], now_ns)
        line.tick(now_ns, with_open=False)
    line.tick((START_MS + hours * HOUR_MS + 120_000) * MS, with_open=False)
    line.close()

    def told(name: str) -> dict[str, list[float]]:
        of: dict[str, list[float]] = defaultdict(list)
        for (place, key, _), stated in sorted(kept.values.items(), key=lambda one: one[0][2]):
            if key == POSITION[f"dq.{name}"] and place.station:
                of[place.path].append(float(stated[0]))
        return of

    ahead, disorder, twice = (
        told(name) for name in ("clock_ahead_share", "out_of_order_rate", "duplicate_rate"))
    assert set(ahead) == heard
    for name, limit, of in (("fast_clock", 90.0, ahead), ("reorder", 10.0, disorder),
                            ("duplicate", 10.0, twice)):
        assert {path for path, values in of.items() if max(values) > limit} == {fault[name]}, name
        assert not any(value for path, values in of.items() if path not in fault.values()
                       for value in values if not math.isnan(value))
