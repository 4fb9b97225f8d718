"""Alert rules: one cause, one alert; limits of the standard; another value to let go."""

import urllib.request
from pathlib import Path

from dashboards.grafana_alerts import for_api, for_file, rules
from dashboards.grafana_board import Site
from tests.grafana_city import NOW_MS
from tests.grafana_rules import Rule
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
    assert model("cv-silent-together", "F")["type"] == "classic_conditions", "one for all"
    assert "$value.Labels.station" in rule["annotations"]["summary"]
    assert "range $name, $value := $values" in rule["annotations"]["summary"]


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


class Watch:
    """A town whose stations fall silent and come back, and what both rules say of it."""

    def __init__(self, folder: Path, **stations: int) -> None:
        self._stations, self._server = stations, Influxd(folder)
        self.minute = 0
        self.rules = {uid: Rule(BY_UID[f"cv-{uid}"], self._server)
                      for uid in ("silent-together", "station-silent")}

    def __enter__(self) -> "Watch":
        self._server.start()
        self._server.query("CREATE DATABASE cityvitals")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()

    def live(self, minutes: int = 1, **silent: int) -> tuple[list[str], list[str]]:
        """So many of each district silent for so long: who is told together, who alone."""
        lines = []
        for _ in range(minutes):
            self.minute += 1
            lines += [
                f"station_state,city=c,district={district},station=s{k} "
                f"online={int(k >= silent.get(district, 0))}i,"
                f"age_s={5 if k >= silent.get(district, 0) else 2000}.0 "
                f"{NOW_MS // 60_000 * 60 + 60 * self.minute}"
                for district, stations in self._stations.items() for k in range(stations)]
        urllib.request.urlopen(
            f"{self._server.url}/write?db=cityvitals&precision=s", "\n".join(lines).encode()
        ).close()
        now_ms = NOW_MS // 60_000 * 60_000 + 60_000 * self.minute + 20_000
        together, alone = (rule.evaluate(now_ms) for rule in self.rules.values())
        told = {f"{district}/s{k}" for district, many in silent.items() for k in range(many)}
        assert set(together) | set(alone) == told, "every silence is told"
        assert not set(together) & set(alone), "and by one rule"
        return together, alone


def names(district: str, many: int) -> list[str]:
    return sorted(f"{district}/s{k}" for k in range(many))


def test_silent_together_has_two_limits_and_names_whom_it_means(tmp_path: Path) -> None:
    """It takes hold above one half and lets go below 35 %; a station elsewhere is not its own."""
    with Watch(tmp_path, quay=20, mill=10) as watch:
        assert watch.live(mill=1) == ([], names("mill", 1))
        assert watch.live(quay=10, mill=1) == ([], names("mill", 1) + names("quay", 10))
        assert watch.live(quay=11, mill=1) == (names("quay", 11), names("mill", 1)), "above 0.5"
        assert watch.live(quay=10, mill=1) == (names("quay", 10), names("mill", 1))
        assert watch.live(quay=7, mill=1) == (names("quay", 7), names("mill", 1)), "0.35 holds"
        assert watch.live(quay=8, mill=6) == (names("mill", 6) + names("quay", 8), [])
        assert watch.live(quay=6, mill=5) == (names("mill", 5), names("quay", 6)), "below 0.35"
        assert watch.live(quay=10, mill=3) == ([], names("mill", 3) + names("quay", 10)), "anew"
        assert watch.live() == ([], [])


def test_few_stations_are_never_silent_together(tmp_path: Path) -> None:
    """Two of two, or one of one, are told one by one; three of three are a cause."""
    with Watch(tmp_path, pair=2, trio=3, lone=1) as watch:
        assert watch.live(pair=2, trio=2, lone=1) == (
            [], names("lone", 1) + names("pair", 2) + names("trio", 2))
        assert watch.live(trio=3) == (names("trio", 3), [])
        assert watch.live(trio=2) == (names("trio", 2), []), "two of three still have one cause"
        assert watch.live(trio=1) == ([], names("trio", 1))


def test_what_is_neither_together_nor_apart_is_held_for_six_hours(tmp_path: Path) -> None:
    with Watch(tmp_path, quay=10) as watch:
        assert watch.live(quay=6) == (names("quay", 6), [])
        assert watch.live(minutes=359, quay=4) == (names("quay", 4), [])
        assert watch.live(minutes=1, quay=4) == ([], names("quay", 4))
