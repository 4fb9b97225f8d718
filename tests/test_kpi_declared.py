"""KPIs that rest on declared facts: modes at counters, heat of the supplier's meters."""

from pathlib import Path

import pytest

from dashboards.kpi_declared import FLOW, heat, mode_share
from edge import facts
from tests.kpi_town import station, town

STATIONS = [station(f"a/{name}") for name in ("road", "path", "lane", "other")]


def bins(value: float, many: int = 144) -> list[tuple[str, float]]:
    """Five-minute bins of half a day."""
    return [(f"2026-06-01T{k // 12:02}:{k % 12 * 5:02}", value) for k in range(1, many + 1)]


def test_modes_are_persons_past_the_counters_that_say_what_they_count() -> None:
    """300 cars with 1.2 in each, 60 and 30 bicycles: 360 of 450 persons an hour."""
    rows = {("a/road", FLOW): bins(300.0), ("a/path", FLOW): bins(60.0),
            ("a/lane", FLOW): bins(30.0, 72), ("a/other", FLOW): bins(999.0)}
    known = ("a/road,persons_per_motor_vehicle,1.2 a/path,persons_per_bicycle,1 "
             "a/lane,persons_per_bicycle,1")
    found = {row.part: row
             for row in mode_share(town(rows, known, STATIONS, "2026-06-01", "2026-06-01"))}
    assert found["motor vehicles"].value == pytest.approx(80.0)
    assert found["bicycles"].value == pytest.approx(20.0)
    assert found["bicycles"].coverage == pytest.approx((0.5 + 0.5 + 0.25) / 3)
    assert found["bicycles"].origin == "estimation", "a proxy, however complete"
    assert found["bicycles"].note == (
        "persons passing 2 counters, not trips; left out: on foot, public transport")
    assert found["on foot"].value is None
    assert "no station has a fact persons_per_pedestrian" in found["on foot"].why


def test_one_mode_alone_is_no_share() -> None:
    (found,) = mode_share(town(
        {("a/road", FLOW): bins(300.0)}, "a/road,persons_per_motor_vehicle,1.2", STATIONS))
    assert found.value is None
    assert "two modes" in found.why
    assert "persons_per_bicycle" in found.why
    assert "`cityvitals facts load`" in found.why


def test_heat_is_of_the_city_or_of_the_districts_that_have_both_facts() -> None:
    (city,) = heat(town({}, "_/_,residential_heat_gj,2000 _/_,population,100"))
    assert (city.value, city.coverage) == (pytest.approx(20.0), 1.0)
    assert city.note == "of 100 inhabitants, since 2020-01-01: Office"
    (some,) = heat(town({}, "a/_,residential_heat_gj,300 a/_,population,10 b/_,population,90 "
                            "c/_,residential_heat_gj,500 _/_,population,100"))
    assert (some.value, some.coverage) == (pytest.approx(30.0), pytest.approx(0.1))
    (alone,) = heat(town({}, "a/_,residential_heat_gj,300 a/_,population,10"))
    assert (alone.value, alone.coverage) == (pytest.approx(30.0), 0.0)
    assert "no fact population of the city" in alone.note


@pytest.mark.parametrize(("known", "missing"), [
    ("_/_,population,100", "residential_heat_gj"), ("_/_,residential_heat_gj,9", "population"),
    ("_/_,residential_heat_gj,9 _/_,population,0", "population"),
])
def test_heat_without_a_fact_names_it(known: str, missing: str) -> None:
    (found,) = heat(town({}, known))
    assert found.value is None
    assert missing in found.why


def test_the_example_of_the_page_is_a_file_that_makes_both_kpis() -> None:
    text = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")
    block = text[text.index("# cityvitals facts 1"):]
    rows = {("harbour/road-01", FLOW): bins(300.0), ("harbour/bike-01", FLOW): bins(390.0)}
    city = town(rows, "", [station("harbour/road-01"), station("harbour/bike-01")],
                "2026-06-01", "2026-06-01")
    city.facts += facts.parse(block[:block.index("```")], "docs/report.md")
    assert [row.value for row in mode_share(city)] == [
        pytest.approx(50.0), pytest.approx(50.0), None, None]
    assert heat(city)[0].value == pytest.approx(410_000 / 98_950)
