"""What a scenario does to the latent city at each instant: weather, people, sources, roads, grid.

Everything that the model drives follows from these few: a stadium brings cars, and so exhaust,
noise and demand; snow slows roads and swallows sound; a closed road fills those around it.
"""

from dataclasses import dataclass
from math import pi

import numpy as np

from simulators import scenario as data
from simulators.districts import Station
from simulators.scenario import Scenario, Spell, duration_ms, rows_of
from simulators.signals import Floats, Times


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when (Unix ms) something holds, and how long it takes to come and go."""

    start_ms: int
    end_ms: int
    ramp_ms: int = 0

    def strength(self, time_ms: Times) -> Floats:
        """float64[n]: 0 outside, 1 inside, half a cosine on either edge."""
        inside = (time_ms >= self.start_ms) & (time_ms < self.end_ms)
        if not self.ramp_ms:
            return inside.astype(np.float64)
        edge = np.minimum(time_ms - self.start_ms, self.end_ms - time_ms) / self.ramp_ms
        return np.where(inside, 0.5 - 0.5 * np.cos(pi * np.clip(edge, 0.0, 1.0)), 0.0)


def span_of(spell: Spell, start_ms: int) -> Span:
    """When a table of a scenario that starts then holds."""
    first = start_ms + duration_ms(spell.after)
    return Span(first, first + duration_ms(spell.lasts), duration_ms(spell.ramp))


class Forces:
    """A scenario on the stations of a city, from `start_ms` on; every function is one of time.

    Factors and sums come as float64[n, stations of the kind], or None where nothing holds at any
    of the instants, so that an ordinary day is computed as ever, bit by bit.
    """

    def __init__(self, scenario: Scenario, stations: list[Station], start_ms: int) -> None:
        self._kinds = {
            kind: [row for row, at in enumerate(stations) if at.kind == kind]
            for kind in ("air", "road", "feeder")
        }
        self._stations = stations
        self._start_ms = start_ms
        self._scenario = scenario

    def _columns(self, pattern: str, kind: str) -> list[int]:
        """Columns of one kind that a pattern names; a district's people are at all its kinds."""
        named = rows_of(pattern, self._stations, kind)
        return [self._kinds[kind].index(row) for row in named]

    def weather(self, time_ms: Times) -> dict[str, Floats] | None:
        """float64[n] each: `temp_c`, `rain`, `snow` to add, factor of the `wind`."""
        found: dict[str, Floats] = {}
        for spell in self._scenario.weather:
            strength = span_of(spell, self._start_ms).strength(time_ms)
            if not strength.any():
                continue
            if not found:
                zero = np.zeros(len(time_ms))
                found = {"temp_c": zero, "rain": zero, "snow": zero, "wind": zero + 1.0}
            for name in ("temp_c", "rain", "snow"):
                found[name] = found[name] + getattr(spell, name) * strength
            found["wind"] = found["wind"] * (1.0 + (spell.wind - 1.0) * strength)
        return found or None

    def _factor(self, time_ms: Times, kind: str, field: str) -> Floats | None:
        out: Floats | None = None
        for spell in self._scenario.people:
            change = getattr(spell, field) - 1.0
            strength = span_of(spell, self._start_ms).strength(time_ms)
            columns = self._columns(spell.where, kind)
            if change and columns and strength.any():
                out = np.ones((len(time_ms), len(self._kinds[kind]))) if out is None else out
                out[:, columns] *= 1.0 + change * strength[:, None]
        return out

    def traffic(self, time_ms: Times) -> Floats | None:
        """Factor of the demand of each road."""
        return self._factor(time_ms, "road", "traffic")

    def demand(self, time_ms: Times) -> Floats | None:
        """Factor of the demand of each feeder; 0 without power."""
        out = self._factor(time_ms, "feeder", "demand")
        live = self.live(time_ms)
        if live is None:
            return out
        return live if out is None else out * live

    def live(self, time_ms: Times) -> Floats | None:
        """1 for feeders with power, 0 without: it goes and comes at once."""
        out: Floats | None = None
        for spell in self._scenario.outage:
            span = span_of(spell, self._start_ms)
            dead = Span(span.start_ms, span.end_ms).strength(time_ms) > 0
            if dead.any():
                out = np.ones((len(time_ms), len(self._kinds["feeder"]))) if out is None else out
                dark = np.zeros(len(self._kinds["feeder"]), np.bool_)
                dark[self._columns(spell.where, "feeder")] = True
                out[dead[:, None] & dark] = 0.0
        return out

    def emission(self, time_ms: Times, pollutant: str) -> Floats | None:
        """What sources add at each air station in ordinary weather."""
        out: Floats | None = None
        for spell in self._scenario.emission:
            strength = span_of(spell, self._start_ms).strength(time_ms)
            amount = getattr(spell, pollutant)
            if amount and strength.any():
                out = np.zeros((len(time_ms), len(self._kinds["air"]))) if out is None else out
                out[:, self._columns(spell.where, "air")] += amount * strength[:, None]
        return out

    def crowd_db(self, time_ms: Times) -> Floats | None:
        """Sound level of people at each air station, 0 where there are none."""
        out: Floats | None = None
        for spell in self._scenario.people:
            strength = span_of(spell, self._start_ms).strength(time_ms)
            if spell.noise_db and strength.any():
                out = np.zeros((len(time_ms), len(self._kinds["air"]))) if out is None else out
                columns = self._columns(spell.where, "air")
                level = spell.noise_db * strength[:, None]
                out[:, columns] = np.maximum(out[:, columns], level)
        return out

    def closed(self, time_ms: Times) -> Floats | None:
        """Share of its capacity that each road has lost."""
        out: Floats | None = None
        for spell in self._scenario.road:
            strength = span_of(spell, self._start_ms).strength(time_ms)
            if strength.any():
                out = np.zeros((len(time_ms), len(self._kinds["road"]))) if out is None else out
                columns = self._columns(spell.where, "road")
                out[:, columns] = np.maximum(out[:, columns], spell.closed * strength[:, None])
        return out

    def diverted(self, time_ms: Times, vehicles: Floats) -> Floats:
        """float64[n, roads]: what closed roads leave to others of `vehicles` (any unit)."""
        out = np.zeros_like(vehicles)
        for spell in self._scenario.road:
            strength = span_of(spell, self._start_ms).strength(time_ms)
            to = self._columns(spell.divert, "road") if spell.divert else []
            if to and strength.any():
                lost = vehicles[:, self._columns(spell.where, "road")].sum(axis=1)
                out[:, to] += (lost * spell.closed * strength / len(to))[:, None]
        return out

    def interruptions(self) -> list[tuple[int, Span]]:
        """(station row, when) of each feeder's outages, by their beginning."""
        found = [
            (row, Span(span.start_ms, span.end_ms))
            for spell in self._scenario.outage
            for span in [span_of(spell, self._start_ms)]
            for row in rows_of(spell.where, self._stations, "feeder")
        ]
        return sorted(found, key=lambda one: (one[1].start_ms, one[0]))


def none(stations: list[Station]) -> Forces:
    """No scenario at all."""
    return Forces(data.NOTHING, stations, 0)
