"""Alert rules: one cause, one alert; limits of the standard; another value to let go."""

import urllib.request
from pathlib import Path

from dashboards.grafana_alerts import for_api, for_file, rules
from dashboards.grafana_board import Site
from tests.grafana_city import NOW_MS
from tests.grafana_queries import statement
from tests.influxd import Influxd

BY_UID = {rule["uid"]: rule for rule in rules(Site())}


def model(uid: str, ref: str) -> dict[str, object]:
    found: dict[str, object] = next(
        part["model"] for part in BY_UID[uid]["data"] if part["refId"] == ref)
    return found


def test_only_a_silent_ingest_alarms_for_missing_data() -> None:
    alarming = [uid for uid, rule in BY_UID.items()
                if "Alerting" in (rule["noDataState"], rule["execErrState"])]
    assert alarming == ["cv-ingest-silent"]


def test_a_silent_gateway_is_one_alert_that_names_its_stations() -> None:
    rule = BY_UID["cv-silent-together"]
    assert model("cv-silent-together", "C")["type"] == "classic_conditions", "one for all"
    assert "$value.Labels.station" in rule["annotations"]["summary"]
    assert "range $name, $value := $values" in rule["annotations"]["summary"]
    # The rule of single stations holds still where most of the district is silent.
    assert model("cv-station-silent", "G")["expression"] == "$D * (($E <= 0.5) || ($F < 3))"
    assert rule["data"][1]["model"]["query"].endswith(
        'WHERE "silent" >= 3 GROUP BY "city","district"')


def test_a_district_of_two_stations_that_falls_silent_is_told_by_one_rule() -> None:
    """Whatever is silent: the rule of the district or that of the station, never both, never none.

    Two of two were told by neither: too many for the one rule, too few for the other.
    """
    alone = str(model("cv-station-silent", "G")["expression"])
    assert alone == "$D * (($E <= 0.5) || ($F < 3))"
    for stations in range(1, 9):
        for silent in range(1, stations + 1):
            together = silent >= 3 and silent / stations > 0.5
            single = silent / stations <= 0.5 or silent < 3
            assert together != single


def test_limits_are_the_catalogues_and_let_go_elsewhere() -> None:
    (condition,) = model("cv-over-air-us-aqi", "C")["conditions"]  # type: ignore[misc]
    assert condition["evaluator"] == {"type": "gt", "params": [100]}
    assert condition["unloadEvaluator"] == {"type": "lt", "params": [90.0]}
    query = str(model("cv-over-air-us-aqi", "A")["query"])
    assert '"cov" >= 0.75' in query
    assert '"level" >= 0' in query
    assert not any("dq" in uid for uid in BY_UID), "silence has its own rules"


def test_for_the_api_and_for_a_file() -> None:
    assert {rule["folderUID"] for rule in for_api(Site())} == {"cv-folder"}
    (group,) = for_file(Site())["groups"]
    assert (group["folder"], group["interval"]) == ("Cityvitals", "60s")
    assert [rule["uid"] for rule in group["rules"]] == list(BY_UID)


def test_the_silent_are_told_by_a_real_influxdb(tmp_path: Path) -> None:
    """Shares of whole numbers were whole numbers in InfluxDB 1.x: 6 of 10 were a share of 0."""
    town = {"small": (2, 2), "big": (10, 6), "fine": (5, 1)}
    lines = [
        f"station_state,city=c,district={district},station=s{k} "
        f"online={int(k >= silent)}i,age_s={5 if k >= silent else 2000}.0 {NOW_MS // 1000 - 60}"
        for district, (stations, silent) in town.items() for k in range(stations)
    ]
    server = Influxd(tmp_path)
    server.start()
    try:
        server.query("CREATE DATABASE cityvitals")
        urllib.request.urlopen(
            f"{server.url}/write?db=cityvitals&precision=s", "\n".join(lines).encode()).close()

        def found(uid: str, ref: str) -> dict[str, float]:
            query = str(model(uid, ref)["query"])
            return {row["tags"]["district"]: row["values"][0][1]
                    for row in server.query(statement(query, {}, 300, 60))}

        assert found("cv-silent-together", "B") == {"big": 0.6}
        share, many = found("cv-station-silent", "B"), found("cv-station-silent", "C")
    finally:
        server.kill()
    assert many == {district: silent for district, (_, silent) in town.items()}
    alone = {district for district in town if share[district] <= 0.5 or many[district] < 3}
    assert alone == {"small", "fine"}, "the big one's are told together"
