"""Alert rules: one cause, one alert; limits of the standard; another value to let go."""

from dashboards.grafana_alerts import for_api, for_file, rules
from dashboards.grafana_board import Site

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
    assert model("cv-silent-together", "D")["type"] == "classic_conditions", "one for all"
    assert "$value.Labels.station" in rule["annotations"]["summary"]
    assert "range $name, $value := $values" in rule["annotations"]["summary"]
    # The rule of single stations holds still where most of the district is silent.
    assert model("cv-station-silent", "E")["expression"] == "$C * ($D >= 0.5)"
    assert rule["data"][1]["model"]["query"].endswith('GROUP BY "city","district"')


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
