"""The mix of hours and days, in a small town: sources, what is unknown, facts, areas, late ones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.facts import parse
from engine.generation import COLUMNS, known_means, known_shares
from engine.mix import gather_energy
from engine.panes import COARSE
from tests import reference_energy as reference
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")
DAY = at("2026-03-02")
PLANT, OTHER = "centre/plant", "hills/wind"
SHARE, INTENSITY = "energy.renewable_share", "energy.carbon_intensity"
NAN = math.nan


def feed(town: Town, start: int, minutes: int, device: str = "p", **kw: float) -> None:
    """A reading a minute of each source."""
    town.take(Reading(device, "generation", start + 60 * k, value, channel=source)
              for source, value in kw.items() for k in range(minutes))


def facts(town: Town, *rows: str) -> None:
    """Facts of 2026."""
    lines = "".join(f"2026-01-01,{text},x,test\n" for text in rows)
    town.vitals.load_facts(parse(
        f"# cityvitals facts 1\nvalid_from,place,fact,value,unit,source\n{lines}"))


@given(st.lists(st.tuples(st.floats(0, 1e6), st.one_of(st.just(NAN), st.floats(0, 1e3))),
                min_size=1, max_size=6), st.one_of(st.just(0.0), st.floats(0, 1e5),
                                                   st.just(math.inf)))
def test_the_kernels_equal_their_twins(
    parts: list[tuple[float, float]], unknown: float
) -> None:
    energy, worth = (list(column) for column in zip(*parts, strict=True))
    for kernel, over_all in ((known_means, False), (known_shares, True)):
        out, known = np.empty(1), np.empty(1)
        kernel(np.array([energy]), np.array([unknown]), np.array([worth]), out, known)
        expected = reference.known_mean(energy, unknown, worth, over_all)
        assert out[0] == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


@given(st.dictionaries(st.integers(100, 130),
                       st.tuples(st.integers(1, 90), st.integers(0, 60), st.integers(0, 10**6)),
                       max_size=31))
@settings(max_examples=60)
def test_the_energy_of_an_hour_equals_its_twin(
    hours: dict[int, tuple[int, int, int]]
) -> None:
    ring = np.zeros((1, 240), COARSE)
    for hour, (count, minutes, total) in hours.items():
        pane = ring[0, hour % 240]
        pane["tag"], pane["n"], pane["sum"], pane["covered"] = (
            hour, count, total * 10**6, (1 << minutes) - 1)
    energy, unknown, covered = np.zeros((1, COLUMNS)), np.zeros(1), np.zeros(1)
    gather_energy(np.zeros(1, np.int32), np.array([130]), np.zeros(1, np.int64),
                  np.array([2]), ring, energy, unknown, covered)
    found = reference.hour_energy({h: (n, m, kw) for h, (n, m, kw) in hours.items()}, 130)
    assert (energy[0, 2], unknown[0]) == (pytest.approx(found[0]), pytest.approx(found[1]))
    assert covered[0] == (hours[130][1] if 130 in hours else 0)


def test_the_mix_of_an_hour() -> None:
    town = Town([row("p", PLANT)])
    feed(town, HOUR, 60, hydro=500.0, wind_onshore=300.0, gas_cc=200.0)
    town.tick(HOUR + 3660)
    assert town.last(SHARE, PLANT) == {HOUR + 3600: (pytest.approx(0.8), 1)}
    assert town.last(INTENSITY, PLANT) == {HOUR + 3600: (pytest.approx(113.3), 1)}


def test_a_source_without_45_minutes_counts_as_unknown_with_its_largest_hour() -> None:
    for small, value in ((5.0, 0.0 / 100), (6.0, NAN)):
        town = Town([row("p", PLANT)])
        feed(town, HOUR - 7200, 60, gas_cc=95.0, waste=small)
        feed(town, HOUR - 3600, 60, gas_cc=95.0, waste=1.0)
        feed(town, HOUR, 60, gas_cc=95.0)
        feed(town, HOUR, 44, waste=1.0)
        town.tick(HOUR + 3660)
        found = town.last(SHARE, PLANT)[HOUR + 3600][0]
        assert found == pytest.approx(value, nan_ok=True)
        cov = town.final()[PLANT, SHARE, HOUR + 3600][3]
        assert cov == pytest.approx((60 + 44) / 120)


def test_a_source_that_never_had_an_hour_leaves_nothing_known() -> None:
    town = Town([row("p", PLANT)])
    feed(town, HOUR, 60, gas_cc=95.0)
    feed(town, HOUR, 10, hydro=0.1)
    town.tick(HOUR + 3660)
    assert math.isnan(town.last(INTENSITY, PLANT)[HOUR + 3600][0])


@pytest.mark.parametrize(("known", "given"), [
    ((), NAN), (("_/_,ef_wind,20",), 20.0), (("_/_,ef_wind,20", "centre/_,ef_wind,30"), 30.0),
    (("centre/_,ef_wind,30", f"{PLANT},ef_wind,40"), 40.0), (("hills/_,ef_wind,30",), NAN),
])
def test_a_fact_near_by_gives_the_factor(known: tuple[str, ...], given: float) -> None:
    town = Town([row("p", PLANT)])
    facts(town, *known)
    feed(town, HOUR, 60, wind=10.0)
    town.tick(HOUR + 3660)
    assert town.last(INTENSITY, PLANT)[HOUR + 3600][0] == pytest.approx(given, nan_ok=True)
    assert town.last(SHARE, PLANT)[HOUR + 3600][0] == 1.0


def test_imports_count_by_what_facts_say_of_the_neighbour() -> None:
    town = Town([row("p", PLANT)])
    facts(town, "_/_,ef_import,300", "_/_,renewable_import,0.5")
    feed(town, HOUR, 60, **{"import": 40.0, "hydro": 60.0})
    town.tick(HOUR + 3660)
    assert town.last(INTENSITY, PLANT)[HOUR + 3600][0] == pytest.approx(0.4 * 300 + 0.6 * 24)
    assert town.last(SHARE, PLANT)[HOUR + 3600][0] == pytest.approx(0.8)


def test_a_fact_holds_from_its_day_on() -> None:
    town = Town([row("p", PLANT)])
    town.vitals.load_facts(parse(
        "# cityvitals facts 1\nvalid_from,place,fact,value,unit,source\n"
        "2026-03-02,_/_,ef_gas,450,g/kWh,test\n2026-03-03,_/_,ef_gas,440,g/kWh,test\n"))
    feed(town, DAY + 82_800, 120, gas=10.0)
    town.tick(DAY + 90_060)
    found = {end - DAY: value for end, (value, _) in town.last(INTENSITY, PLANT).items()}
    assert found == {86_400: pytest.approx(450.0), 90_000: pytest.approx(440.0)}


def test_areas_are_of_the_energy_of_all() -> None:
    town = Town([row("p", PLANT), row("w", OTHER)])
    feed(town, HOUR, 60, gas_cc=30.0, hydro=10.0)
    feed(town, HOUR, 60, "w", wind_onshore=60.0)
    town.tick(HOUR + 3660)
    assert town.last(SHARE, "_/_")[HOUR + 3600][0] == pytest.approx(0.7)
    assert town.last(INTENSITY, "_/_")[HOUR + 3600][0] == pytest.approx(
        (30 * 490 + 10 * 24 + 60 * 11) / 100)


def test_a_source_without_a_factor_has_its_part_in_the_share_of_an_area() -> None:
    town = Town([row("p", PLANT), row("w", OTHER)])
    feed(town, HOUR, 60, gas_cc=40.0)
    feed(town, HOUR, 60, "w", wind=60.0)
    town.tick(HOUR + 3660)
    assert town.last(SHARE, "_/_")[HOUR + 3600][0] == pytest.approx(0.6)


def test_a_day_is_of_the_energy_of_its_hours_and_needs_three_quarters_of_them() -> None:
    for minutes, value in ((18 * 60, 0.4), (17 * 60, NAN)):
        town = Town([row("p", PLANT)])
        feed(town, DAY, 60, gas_cc=90.0, hydro=10.0)
        feed(town, DAY + 3600, minutes - 60, gas_cc=10.0, hydro=10.0)
        town.tick(DAY + 86_460)
        found = town.last(f"{SHARE}_day", PLANT)[DAY + 86_400][0]
        hours = minutes // 60
        assert math.isnan(found) is math.isnan(value)
        if hours == 18:
            assert found == pytest.approx(180 / (180 + 90 + 170))
            assert town.last(f"{INTENSITY}_day", PLANT)[DAY + 86_400][0] == pytest.approx(
                (180 * 24 + 260 * 490) / 440)


def test_a_late_hour_says_those_anew_that_looked_back_on_it() -> None:
    town = Town([row("p", PLANT)])
    feed(town, DAY, 1440, gas_cc=95.0)
    feed(town, DAY, 60, waste=1.0)
    feed(town, DAY + 7200, 60, waste=1.0)
    feed(town, DAY + 14_400, 1200, waste=1.0)
    town.tick(DAY + 86_460)
    assert town.last(SHARE, PLANT)[DAY + 14_400] == (0.0, 1)
    feed(town, DAY + 3600, 60, waste=50.0)
    town.tick(DAY + 90_060)
    assert town.last(SHARE, PLANT)[DAY + 14_400] == (pytest.approx(NAN, nan_ok=True), 2)
    assert town.last(f"{SHARE}_day", PLANT)[DAY + 86_400][1] == 2


def test_private_plants_count_in_groups_alone() -> None:
    for count, said in ((4, False), (5, True)):
        town = Town([row(f"m{k}", f"centre/m{k}", private=True) for k in range(count)])
        for k in range(count):
            feed(town, HOUR, 60, f"m{k}", solar_pv_roof=3.0)
        town.tick(HOUR + 3660)
        places = {path for path, key, *_ in town.said() if key == SHARE}
        assert places == ({"centre/_", "_/_"} if said else set())
