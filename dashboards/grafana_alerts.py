"""Alert rules as code: one cause, one alert.

- A silent ingest (or InfluxDB) is one alert: only its rule takes missing data for alarming.
- Many silent stations at once are one alert that names them: a gateway, a broker, a power cut.
- A station is silent on its own only if most of its district is not, or too few are to be many.
- A limit is judged by district and only on data that is complete enough.

Each rule waits (`for`) and lets go at another value than it took hold (`unloadEvaluator`, which
Grafana reads from 10.4 on; older versions have the waiting alone).
"""

from typing import Any

from dashboards import grafana_influxql as ql
from dashboards.grafana_board import PREFIX, SOURCE_UID, TAG, Site
from dashboards.grafana_ops import QUALITY, domains
from dashboards.grafana_parts import interval
from dashboards.grafana_scale import limit_of, of_domains
from engine.indicator import Indicator

Json = dict[str, Any]

FOLDER_UID, FOLDER_TITLE = "cv-folder", "Cityvitals"
GROUP, INTERVAL_S = "cityvitals", 60
COVERAGE_MIN = 0.75
SILENT_S, HEARD_S = 900, 300
TOGETHER_SHARE, TOGETHER_MIN = 0.5, 3
EASE = 0.9
"""A value lets go of its alert at nine tenths of the limit (or a tenth above, if high is good)."""
_DISTRICTS = '"city","district"'
_PLACES = f'{_DISTRICTS},"station"'


def _query(ref: str, text: str, back_s: int) -> Json:
    return {"refId": ref, "datasourceUid": SOURCE_UID,
            "relativeTimeRange": {"from": back_s, "to": 0},
            "model": {"refId": ref, "rawQuery": True, "resultFormat": "time_series",
                      "query": text, "intervalMs": 60_000, "maxDataPoints": 1000}}


def _expression(ref: str, kind: str, expression: str, **more: Any) -> Json:
    return {"refId": ref, "datasourceUid": "__expr__",
            "relativeTimeRange": {"from": 0, "to": 0},
            "model": {"refId": ref, "type": kind, "expression": expression, **more}}


def _reduced(ref: str, source: str, how: str = "last") -> Json:
    return _expression(ref, "reduce", source, reducer=how)


def _threshold(ref: str, source: str, way: str, limit: float, easy: float) -> Json:
    other = {"gt": "lt", "lt": "gt"}[way]
    return _expression(ref, "threshold", source, conditions=[{
        "evaluator": {"type": way, "params": [limit]},
        "unloadEvaluator": {"type": other, "params": [easy]},
    }])


def _rule(
    uid: str, title: str, data: list[Json], wait: str, severity: str, summary: str, board: str,
    *, no_data: str = "OK", error: str = "OK", about: str = "",
) -> Json:
    return {
        "uid": PREFIX + uid, "title": title, "condition": data[-1]["refId"], "data": data,
        "for": wait, "noDataState": no_data, "execErrState": error, "isPaused": False,
        "labels": {"product": TAG, "severity": severity},
        "annotations": {"summary": summary, "description": about,
                        "__dashboardUid__": PREFIX + board},
    }


def _ingest_silent() -> Json:
    query = ql.select('count("queue") AS "lines"', "pipeline")
    return _rule(
        "ingest-silent", "Ingest is silent",
        [_query("A", query, 300), _reduced("B", "A"), _threshold("C", "B", "lt", 1, 1)],
        "2m", "critical", "Nothing has come from ingest for five minutes.", "pipeline",
        no_data="Alerting", error="Alerting",
        about="Ingest or InfluxDB is down. All other rules keep still meanwhile.",
    )


def _silence() -> tuple[str, str]:
    """Ages of all stations, and of each district how many are silent and which share they are."""
    ages = ql.select('last("age_s") AS "age_s"', "station_state", by=_PLACES)
    online = ql.select('last("online") AS "online"', "station_state", by=_PLACES)
    # By the mean: InfluxDB 1.x divides whole numbers as such, and 6 of 10 would be a share of 0.
    silent = ql.around(
        'count("online") - sum("online") AS "silent",1 - mean("online") AS "share"', online,
        by=_DISTRICTS)
    return ages, silent


def _together() -> Json:
    ages, silent = _silence()
    # Many and most of one district: two districts must not make up a cause between them.
    share = ql.around('"share"', silent, f'"silent" >= {TOGETHER_MIN}', by=_DISTRICTS)

    def condition(ref: str, limit: float) -> Json:
        return {"type": "query", "query": {"params": [ref]}, "operator": {"type": "and"},
                "reducer": {"type": "last", "params": []},
                "evaluator": {"type": "gt", "params": [limit]}}

    last = {"refId": "C", "datasourceUid": "__expr__", "relativeTimeRange": {"from": 0, "to": 0},
            "model": {"refId": "C", "type": "classic_conditions", "conditions": [
                condition("A", SILENT_S), condition("B", TOGETHER_SHARE)]}}
    return _rule(
        "silent-together", "Stations fell silent together",
        [_query("A", ages, 300), _query("B", share, 300), last],
        "5m", "critical",
        "One cause behind them:{{ range $name, $value := $values }}"
        "{{ if $value.Labels.station }} {{ $value.Labels.district }}/{{ $value.Labels.station }}"
        "{{ end }}{{ end }}", "sensors",
        about="More than half of a district is silent: look for its gateway, its power, or the "
        "broker before you look for sensors.",
    )


def _station_silent() -> Json:
    ages, silent = _silence()
    share = ql.around('"share"', silent, by=_DISTRICTS)
    many = ql.around('"silent"', silent, by=_DISTRICTS)
    return _rule(
        "station-silent", "Station silent",
        [_query("A", ages, 300), _query("B", share, 300), _query("C", many, 300),
         _reduced("D", "A"), _reduced("E", "B"), _reduced("F", "C"),
         # Every silence is told by this rule or by the one above, never by both or none.
         _expression("G", "math", f"$D * (($E <= {TOGETHER_SHARE:g}) || ($F < {TOGETHER_MIN}))"),
         _threshold("H", "G", "gt", SILENT_S, HEARD_S)],
        "5m", "warning",
        "{{ $labels.district }}/{{ $labels.station }} has not been heard for "
        "{{ humanizeDuration $values.D.Value }}.", "sensors",
        about="The rest of its district reports, or there is no rest to speak of: it is the "
        "station itself.",
    )


def _over(entry: Indicator) -> Json | None:
    limit = limit_of(entry)
    if limit is None:
        return None
    way, at = limit
    back_s = max(3 * entry.cadence_s, 600)
    query = ql.select(
        'last("value") AS "value"', "indicator_area", ql.which((entry,)), ql.VALID,
        ql.districts_of(f'"cov" >= {COVERAGE_MIN}'), by='"city","district"')
    word = entry.levels[entry.over_level or 0].word
    easy = at * (EASE if way == "gt" else 2 - EASE)
    return _rule(
        f"over-{entry.domain}-{entry.id}".replace("_", "-"), f"{entry.name}: {word}",
        [_query("A", query, back_s), _reduced("B", "A"),
         _threshold("C", "B", way, at, round(easy, 6))],
        interval(min(max(3 * entry.cadence_s, 900), 3600)), "warning",
        f"{{{{ $labels.district }}}}: {entry.name} {{{{ $values.B.Value }}}} {entry.unit}.",
        "district", about=f"{entry.standard}; limit {at:g}. Judged where at least "
        f"{COVERAGE_MIN:.0%} of the data is there.",
    )


def _pipeline() -> list[Json]:
    def growth(field: str) -> str:
        return ql.select(f'non_negative_difference(last("{field}")) AS "{field}"', "pipeline",
                         by='time(1m),"host","stage"', fill="none")

    spool = ql.select('last("spool") AS "spool"', "pipeline", by='"host","stage"')
    return [
        _rule("spool", "Batches wait for InfluxDB",
              [_query("A", spool, 600), _reduced("B", "A"), _threshold("C", "B", "gt", 20, 2)],
              "10m", "warning", "{{ $values.B.Value }} batches wait on disk.", "pipeline",
              about="InfluxDB takes them too slowly. Nothing is lost until the spool is full."),
        _rule("dead-letters", "InfluxDB refuses lines",
              [_query("A", growth("dead"), 3600), _reduced("B", "A", "sum"),
               _threshold("C", "B", "gt", 0, 1)],
              "1m", "warning", "{{ $values.B.Value }} lines were refused in an hour.",
              "pipeline", about="The spool keeps them with the server's words."),
        _rule("refused", "Readings are refused",
              [_query("A", growth("errors"), 900), _query("B", growth("msgs"), 900),
               _reduced("C", "A", "sum"), _reduced("D", "B", "sum"),
               _expression("E", "math", "$C / ($D + 1)"),
               _threshold("F", "E", "gt", 0.01, 0.005)],
              "10m", "warning", "{{ humanizePercentage $values.E.Value }} of the readings are "
              "refused.", "pipeline", about="`cityvitals reconcile` tells which and why."),
    ]


def rules(site: Site) -> list[Json]:
    """Every rule, without the folder and group that an API or a file adds."""
    shown = [name for name in domains() if name != QUALITY]
    over = [_over(entry) for entry in of_domains(shown) if entry.headline]
    made = [_ingest_silent(), _together(), _station_silent(),
            *(rule for rule in over if rule is not None), *_pipeline()]
    for rule in made:
        rule["annotations"]["page"] = site.page_url
    return made


def for_api(site: Site) -> list[Json]:
    """The rules as the provisioning API takes them."""
    return [rule | {"folderUID": FOLDER_UID, "ruleGroup": GROUP, "orgID": 1}
            for rule in rules(site)]


def for_file(site: Site) -> Json:
    """The rules as a provisioning file holds them."""
    return {"apiVersion": 1, "groups": [{
        "orgId": 1, "name": GROUP, "folder": FOLDER_TITLE, "interval": f"{INTERVAL_S}s",
        "rules": rules(site),
    }]}
