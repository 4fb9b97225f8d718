"""The queries' form: what they name, and that values are read only where they are sufficient."""

from dashboards import grafana_influxql as ql
from engine.catalogue import INDICATORS, POSITION

AQI = INDICATORS[POSITION["air.us_aqi"]]
PM25 = INDICATORS[POSITION["air.us_aqi_pm25"]]


def test_a_query_of_the_newest_window() -> None:
    assert ql.newest(AQI, "indicator", ql.DISTRICTS, by='"station"') == (
        'SELECT last("value") AS "value","level","cov" FROM "indicator" WHERE '
        "\"domain\"='air' AND \"ind\"='us_aqi' AND \"level\" >= 0 AND \"city\"='$city' AND "
        '"district" =~ /^${district:regex}$/ AND $timeFilter GROUP BY "station"'
    )


def test_several_indicators_are_named_one_by_one() -> None:
    assert ql.which((AQI, PM25)) == (
        "\"domain\"='air' AND \"ind\" =~ /^(us_aqi|us_aqi_pm25)$/")


def test_a_course_takes_the_worst_of_a_step() -> None:
    def first(key: str) -> str:
        return ql.course((INDICATORS[POSITION[key]],), "indicator", "", '"station"')[:24]

    assert first("air.us_aqi").startswith('SELECT max("value")')
    assert first("dq.completeness").startswith('SELECT min("value")')
    assert first("energy.demand_15min").startswith('SELECT mean("value")')
    assert ql.course((AQI,), "indicator", "", "").endswith("GROUP BY time($__interval) fill(null)")


def test_a_query_around_another_leaves_the_time_to_it() -> None:
    inner = ql.latest_states("online,age_s", "")
    assert inner == ('SELECT last("online") AS "online","age_s" FROM "station_state" '
                     'WHERE $timeFilter GROUP BY "district","station"')
    text = ql.around('sum("online")', inner, '"online"=1', by='"district"', more="LIMIT 5")
    assert text == (
        f'SELECT sum("online") FROM ({inner}) WHERE "online"=1 GROUP BY "district" LIMIT 5')


def test_areas_rates_levels_and_choices() -> None:
    assert ql.city_of("") == "\"scope\"='city'"
    assert ql.districts_of(ql.CITY) == "\"city\"='$city' AND \"scope\"='district'"
    assert 'non_negative_derivative(last("msgs"),1s)' in ql.per_second("msgs")
    assert ql.VALID in ql.levels_over_time(AQI, "indicator_area", "", '"district"')
    assert ql.tag_values("city", "station_state") == (
        'SHOW TAG VALUES FROM "station_state" WITH KEY = "city" WHERE time > now() - 2d')
