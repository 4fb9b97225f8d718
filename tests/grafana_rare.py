"""What simville's two days do not yield: a year of air, a month of roads, meters of every kind.

Each is lived by a small town through the engine, at stations of the simulated city and up to its
present, with only the families computed that the city itself says nothing of.
"""

import datetime
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edge.facts import Fact
from edge.places import PlaceRow
from engine.interruptions import Interruption
from engine.points import Points, concatenate
from simulators.city import City
from tests.drift_city import level
from tests.test_deliveries import come
from tests.test_frequency import feed
from tests.town import Reading, Town, row

DAY, HOUR = 86_400, 3600
AIR, ROAD, FEEDER = "harbour/air-01", "harbour/road-01", "harbour/feeder-01"


def placed(device: str, path: str, period_s: float, **more: Any) -> PlaceRow:
    """A device at a station of the simulated city, for as long as anybody remembers."""
    return replace(row(device, path, period_s, since="2020-01-01", **more), city=City.name)


class Rare:
    """The towns; `end_s` is the last midnight, `now_s` the present. All times are UTC."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s
        self.end_s = now_s // DAY * DAY

    def points(self) -> Iterator[tuple[Points, Town]]:
        """All that was said, town by town."""
        for live in (self._year_of_air, self._month_of_a_road, self._loop, self._meter,
                     self._household, self._frequency, self._consumption, self._interruptions,
                     self._drift, self._purpleair, self._deliveries):
            town = live()
            town.tick(self.now_s + 120)
            yield concatenate(town.parts), town

    def _year_of_air(self) -> Town:
        town = Town([placed("a", AIR, 3600.0)])
        town.keep("air.year_pm25", "air.who_pm25_year", "air.eu_year_pm25", "air.who_o3_season")
        days = 400
        for day in range(-days, 0, 8):
            begin = self.end_s + day * DAY
            town.take(
                Reading("a", name, begin + hour * HOUR, 20.0 + 5 * math.sin(hour / 4) + k)
                for hour in range(8 * 24)
                for k, name in enumerate(("pm25", "pm10", "o3", "so2", "no2")))
            town.tick(begin + 8 * DAY)
        return town

    def _month_of_a_road(self) -> Town:
        town = Town([placed("r", ROAD, 300.0, length_km=1.0, lanes=2, posted_kmh=50.0)])
        town.keep("traffic.pti", "traffic.lottr", "traffic.ffs", "traffic.tti")
        for day in range(-28, 0):
            begin = self.end_s + day * DAY
            town.take(Reading("r", name, begin + 300 * k, value) for k in range(288)
                      for name, value in (("speed", 40.0 + k % 7), ("count", 9.0)))
            town.tick(begin + DAY)
        return town

    def _loop(self) -> Town:
        town = Town([placed("l", ROAD, 60.0, lanes=1, g_m=6.7)])
        town.keep("traffic.gfactor_speed", "traffic.occupancy")
        town.take(Reading("l", name, self.now_s - 7200 + 60 * k, value) for k in range(120)
                  for name, value in (("count", 8.0), ("occupancy", 0.1)))
        return town

    def _meter(self) -> Town:
        town = Town([placed("m", FEEDER, 600.0)])
        town.keep("energy.power_factor", "energy.power_factor_period", "energy.load_factor",
                  "energy.demand_peak", "energy.en50160_voltage", "energy.unbalance",
                  "energy.thd", "energy.flicker_plt", "energy.en50160_unbalance",
                  "energy.en50160_thd", "energy.en50160_flicker")
        for day in range(-24, 1):
            begin = self.end_s + day * DAY
            span = 144 if day < 0 else (self.now_s - begin) // 600
            phases = [(name, f"l{phase}", value + phase) for phase in (1, 2, 3)
                      for name, value in (("voltage", 229.0), ("thd", 2.0), ("pst", 0.3))]
            town.take(
                Reading("m", name, begin + 600 * k, value, channel=channel) for k in range(span)
                for name, channel, value in (
                    ("power", "", 40.0 + k % 9), ("reactive", "", 8.0), *phases))
            town.tick(min(begin + DAY, self.now_s))
        return town

    def _household(self) -> Town:
        town = Town([placed("h", FEEDER, 60.0)])
        town.keep("energy.power_factor_arithmetic")
        town.take(
            Reading("h", name, self.now_s - 4 * HOUR + 60 * k, value) for k in range(240)
            for name, value in (("power", 2.0), ("reactive", 0.4), ("voltage", 230.0),
                                ("current", 9.0)))
        return town

    def _frequency(self) -> Town:
        town = Town([placed("f", FEEDER, 10.0)])
        town.keep("energy.en50160_frequency")
        for day in range(-380, 0, 5):
            begin = self.end_s + day * DAY
            feed(town, np.full(5 * 8640, 50.01), begin, device="f")
            town.tick(begin + 5 * DAY + 61)
        return town

    def _consumption(self) -> Town:
        town = Town([placed("c", FEEDER, 900.0, customers=10)])
        town.keep("energy.consumption_per_capita", "energy.demand_peak")
        since = datetime.date(2020, 1, 1)
        town.vitals.load_facts([
            Fact(since, place, "population", 100.0, "1", "made up")
            for place in ("_/_", "harbour/_")])
        for day in range(-370, 0, 5):
            begin = self.end_s + day * DAY
            town.take(Reading("c", "power", begin + 900 * k, 5.0) for k in range(5 * 96))
            town.tick(begin + 5 * DAY + 961)
        return town

    def _interruptions(self) -> Town:
        town = Town([placed("i", FEEDER, 60.0, customers=100)])
        town.keep("energy.tmed", *(f"energy.{name}{tail}" for name in ("saifi", "caidi")
                                   for tail in ("", "_month", "_ytd")))
        begin = self.end_s - 420 * DAY
        town.tick(begin)
        for k in range(60):
            start_ms = (begin + 7 * k * DAY + 5 * HOUR) * 1000
            town.vitals.interrupted([Interruption(
                "i", f"e{k}", start_ms, start_ms + (2 + k % 30) * 60_000, 40, 0, False)])
        return town

    def _drift(self) -> Town:
        town = Town([placed(f"d{k}", f"harbour/air-0{k}", 3600.0, lat=54.0 + k / 400, lon=12.0)
                     for k in range(1, 6)])
        town.keep("dq.drift")
        for hour in range(-12 * 24, 0):
            town.take(Reading(f"d{k}", "pm25", self.end_s + hour * HOUR, level(hour + 480) + k / 9)
                      for k in range(1, 6))
            if hour % 24 == 23:
                town.tick(self.end_s + (hour + 1) * HOUR + 61)
        return town

    def _purpleair(self) -> Town:
        town = Town([placed("p", AIR, 60.0, correction="purpleair-cf1")])
        town.keep("air.pm25_purpleair_epa")
        told = (("pm25", "a", 12.0), ("pm25", "b", 13.0), ("rh", "", 50.0))
        town.take(Reading("p", name, self.now_s - 3 * HOUR + 60 * k, value, channel=channel)
                  for k in range(180) for name, channel, value in told)
        return town

    def _deliveries(self) -> Town:
        town = Town([placed("d", AIR, 60.0)])
        town.vitals.deliveries.counting = True
        town.vitals.registry.device("d")
        town.keep("dq.late_share")
        for k in range(180):
            time_s = self.now_s - 3 * HOUR + 60.0 * k
            come(town, time_s + 2.0, time_s)
        return town
