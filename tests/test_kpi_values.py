"""KPIs against hand-worked numbers, and why there is none where something is missing."""

import pytest

from dashboards.kpi_city import City, Reported
from dashboards.kpi_declared import MODES
from dashboards.kpi_values import AIR_KEYS, FED
from tests.kpi_town import days, station, town


def one(city: City, code: str) -> Reported:
    (found,) = FED[code](city)
    return found


def test_travel_time_is_the_mean_of_the_months() -> None:
    rows = {("_/_", "traffic.tti_peak"): [
        *days("2026-01-05", 2, 1.2), *days("2026-02-02", 1, 1.8),
    ]}
    found = one(town(rows), "EC:I:T:5A")
    assert found.value == pytest.approx((1.2 + 1.8) / 2)
    assert found.coverage == pytest.approx(3 / 261)
    assert found.origin == "estimation"
    assert found.note == "provisional: 3 of 261 days"
    assert [value for _, value in found.trend] == pytest.approx([1.2, 1.8])


def test_consumption_is_scaled_to_a_year_and_to_all_customers() -> None:
    rows = {("_/_", "energy.demand_15min"): [
        (f"2026-06-01T{hour:02}:{minute:02}", 100.0) for hour in range(24)
        for minute in (0, 15, 30, 45)
    ] + [("2026-06-02T00:00", 100.0)]}
    rows["_/_", "energy.demand_15min"].pop(0)  # its block is of the day before
    stations = [station("a/meter", customers=50)]
    city = town(rows, "_/_,population,1000 _/_,customers,200", stations,
                "2026-06-01", "2026-06-01")
    found = one(city, "EN:E:E:2C")
    assert found.value == pytest.approx(100 * 24 * 365 * 4 / 1000)
    assert found.coverage == pytest.approx(0.25)
    assert "50 metered of 200" in found.note
    assert one(town(rows), "EN:E:E:2C").why.startswith("no fact population")
    assert one(town({}, "_/_,population,1000"), "EN:E:E:2C").value is None


def test_emissions_are_consumption_times_intensity() -> None:
    rows = {
        ("_/_", "energy.demand_15min"): [("2026-06-01T12:00", 40.0)],
        ("_/_", "energy.carbon_intensity"): [("2026-06-01T12:00", 250.0)],
    }
    city = town(rows, "_/_,population,100")
    used, gas = one(city, "EN:E:E:2C"), one(city, "EN:EN:AQ:2C")
    assert used.value is not None
    assert gas.value == pytest.approx(used.value * 250 / 1e6)
    assert "electricity alone" in gas.note
    assert used.note.endswith("the trend is the demand in kW")
    assert gas.note.endswith("the trend is the intensity in g CO2e/kWh")
    assert "demand in kW" not in gas.note


def test_renewables_and_their_trend_are_per_cent() -> None:
    rows = {("_/_", "energy.renewable_share_day"): days("2026-06-01", 2, 0.25)}
    found = one(town(rows), "EN:E:E:1C")
    assert found.value == pytest.approx(25.0)
    assert [value for _, value in found.trend] == pytest.approx([25.0])


def test_a_day_with_more_electricity_weighs_more_in_the_emissions() -> None:
    rows = {
        ("_/_", "energy.demand_15min"): [("2026-06-01T12:00", 30.0), ("2026-06-02T12:00", 10.0),
                                         ("2026-06-03T12:00", 500.0)],
        ("_/_", "energy.carbon_intensity"): [
            ("2026-06-01T12:00", 300.0), ("2026-06-01T13:00", 500.0), ("2026-06-02T12:00", 100.0)],
    }
    city = town(rows, "_/_,population,100")
    used, gas = one(city, "EN:E:E:2C"), one(city, "EN:EN:AQ:2C")
    assert used.value is not None
    assert gas.value == pytest.approx(used.value * (400 * 30 + 100 * 10) / 40 / 1e6)
    assert "325 g CO2e/kWh" in gas.note


def test_noise_counts_inhabitants_by_the_energetic_mean() -> None:
    rows = {
        ("a/loud", "noise.lden"): [*days("2026-01-01", 1, 50.0), *days("2026-01-02", 1, 60.0)],
        ("a/calm", "noise.lden"): days("2026-01-01", 2, 54.9),
        ("a/nobody", "noise.lden"): days("2026-01-01", 2, 80.0),
    }
    stations = [station(f"a/{name}") for name in ("loud", "calm", "nobody")]
    city = town(rows, "a/loud,population,30 a/calm,population,70 _/_,population,400", stations)
    found = one(city, "EN:EN:EQ:2A")
    assert found.value == pytest.approx(30.0)  # (10^5 + 10^6) / 2 is 57.4 dB
    assert found.coverage == pytest.approx(0.25)


def test_roads_and_feeders_alive() -> None:
    hours = [(f"2026-06-{day:02}T{hour:02}:00", 100.0) for day in range(1, 31)
             for hour in range(1, 24)]
    rows = {("a/one", "dq.completeness"): hours, ("a/two", "dq.completeness"): hours[:300],
            ("a/feeder", "dq.completeness"): hours}
    stations = [station("a/one", length_km=2.0), station("a/two", length_km=8.0),
                station("a/feeder", customers=40), station("a/dead", customers=30)]
    city = town(rows, "_/_,major_streets_km,20 _/_,feeders,4 _/_,customers,80", stations,
                "2026-01-01", "2026-06-30")
    assert one(city, "EC:ICT:T:2C").value == pytest.approx(10.0)
    assert one(city, "EC:ICT:ES:2A").value == pytest.approx(25.0)
    meters = one(city, "EC:ICT:ES:1C")
    assert (meters.value, meters.coverage) == (pytest.approx(50.0), 1.0)  # the dead one's are not
    bare = town(rows, "", stations)
    for code in ("EC:ICT:T:2C", "EC:ICT:ES:2A", "EC:ICT:ES:1C"):
        assert "no fact" in one(bare, code).why


def test_air_has_five_data_points_and_the_others_say_why() -> None:
    year = [*days("2026-12-30", 1, 11.0), *days("2026-12-31", 1, 12.0)]
    rows = {("_/_", AIR_KEYS["PM2.5"]): year}
    found = FED["EN:EN:AQ:1C"](town(rows))
    assert [row.part for row in found] == ["PM10", "PM2.5", "NO2", "SO2", "O3"]
    assert found[1].value == 12.0
    assert all(row.why for row in found if row.part != "PM2.5")


def test_outages_are_the_latest_12_months() -> None:
    rows = {("_/_", "energy.saifi"): [*days("2026-05-01", 1, 0.5), *days("2026-05-02", 1, 0.6)]}
    assert one(town(rows), "EC:I:ES:1C").value == 0.6
    assert "interruptions" in one(town(rows), "EC:I:ES:2C").why


def test_buildings_need_their_floor_area() -> None:
    rows = {("a/school", "energy.demand_15min"): [
        (f"2026-06-01T{hour:02}:15", 8.0) for hour in range(24)
    ]}
    city = town(rows, "a/school,public_building_m2,500", [station("a/school")],
                "2026-06-01", "2026-06-01")
    found = one(city, "EN:E:E:4C")
    assert found.value == pytest.approx(8 * 24 * 365 / 500)
    assert found.coverage == pytest.approx(0.25)
    assert "public_building_m2" in one(town(rows, "", [station("a/school")]), "EN:E:E:4C").why


def whole(leave_out: str = "") -> City:
    """A town in which nothing is missing but, if it is named, one fact."""
    keys = ("traffic.tti_peak", "energy.demand_15min", "energy.carbon_intensity", "energy.saifi",
            "energy.caidi", "energy.renewable_share_day", *AIR_KEYS.values())
    rows = {("_/_", key): days("2026-06-01", 30, 1.0) for key in keys}
    for key in ("energy.demand_15min", "noise.lden", "traffic.flow", "dq.completeness"):
        rows["a/one", key] = rows["a/two", key] = days("2026-06-01", 30, 60.0)
    known = [f"a/{name},{fact},2" for name in ("one", "two")
             for fact in ("public_building_m2", "population", *MODES.values())]
    known += [f"_/_,{fact},9" for fact in ("population", "customers", "feeders",
                                           "major_streets_km", "residential_heat_gj")]
    stations = [station("a/one", length_km=1, customers=5), station("a/two", customers=5)]
    return town(rows, " ".join(row for row in known if f",{leave_out}," not in row), stations,
                "2026-06-01", "2026-06-30")


@pytest.mark.parametrize("code", FED)
def test_each_fed_kpi_is_computed_once_all_is_there(code: str) -> None:
    for found in FED[code](whole()):
        assert found.value is not None, found.why
        assert found.sources, "and says from what"


@pytest.mark.parametrize("code", FED)
def test_a_missing_fact_is_named_with_the_way_to_load_it(code: str) -> None:
    """Where a value is there without it, its note says what it lacks."""
    facts = {name for found in FED[code](whole()) for name in found.sources if "." not in name}
    for fact in facts:
        for found in FED[code](whole(leave_out=fact)):
            if found.value is None:
                assert fact in found.why, (code, fact)
                assert "`cityvitals facts load`" in found.why, (code, fact)
            else:
                assert fact in found.note or code == "EC:I:T:4A", (code, fact, found.note)


@pytest.mark.parametrize("code", FED)
def test_without_sensors_and_facts_each_says_what_is_missing(code: str) -> None:
    for found in FED[code](town({})):
        assert found.value is None
        assert found.sources, "what it would come from"
        assert len(found.why) > 30, found.why
