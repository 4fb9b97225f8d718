"""Alert rules as code: one cause, one alert.

- A silent ingest (or InfluxDB) is one alert: only its rule takes missing data for alarming.
- Many silent stations of a district at once are one alert that names them, and no station that is
  silent elsewhere: a gateway, a broker, a power cut.
- A station is silent on its own only while its district is not silent together.
- A limit is judged by district and only on data that is complete enough.

Each rule waits (`for`) and lets go at another value than it took hold: by its query where all
stations are one alert, elsewhere by `unloadEvaluator`, which Grafana reads from 10.4 on (older
versions have the waiting alone).
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
TOGETHER_SHARE, TOGETHER_MIN, APART_SHARE = 0.5, 3, 0.35
"""A district is silent together from beyond the first share on until it falls below the last."""
HELD_S = 6 * 3600
"""How long a share between the two is held for what it was before.

Longer asks more of InfluxDB each minute: of 1,000 stations 1.6.7 read 6 h in 4 s on two busy cores.
"""
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


def _ages() -> str:
    return ql.select('last("age_s") AS "age_s"', "station_state", by=_PLACES)


def _together_now() -> str:
    """Of each district the share that was silent when it last was clearly together or apart.

    Beyond TOGETHER_SHARE it is silent together. What lies between the two limits says nothing, so
    that the state before it holds; a district of which nothing else is known has a share of 0.
    States of one minute bear one time: counting rows counts stations.
    """
    each = ql.select(
        '1 - mean("online") AS "share",(1 - mean("online")) * count("online") AS "silent"',
        "station_state", by=f"time(1m),{_DISTRICTS}", fill="none")
    clear = ql.around(
        '"share"', each,
        f'("share" > {TOGETHER_SHARE:g} AND "silent" > {TOGETHER_MIN - 0.5:g}) '
        f'OR "share" < {APART_SHARE:g}', by=_DISTRICTS)
    # Without a selector its time is where the query begins: anything clear is newer.
    unknown = ql.select('0 * mean("online") AS "share"', "station_state", by=_DISTRICTS)
    return ql.around('last("share") AS "share"', (unknown, clear), by=_DISTRICTS)


def _together() -> Json:
    silent = {"refId": "F", "datasourceUid": "__expr__", "relativeTimeRange": {"from": 0, "to": 0},
              "model": {"refId": "F", "type": "classic_conditions", "conditions": [{
                  "type": "query", "query": {"params": ["E"]}, "operator": {"type": "and"},
                  "reducer": {"type": "last", "params": []},
                  "evaluator": {"type": "gt", "params": [SILENT_S]}}]}}
    return _rule(
        "silent-together", "Stations fell silent together",
        [_query("A", _ages(), 300), _query("B", _together_now(), HELD_S),
         _reduced("C", "A"), _reduced("D", "B"),
         _expression("E", "math", f"$C * ($D > {TOGETHER_SHARE:g})"), silent],
        "5m", "critical",
        "One cause behind them:{{ range $name, $value := $values }}"
        "{{ if $value.Labels.station }} {{ $value.Labels.district }}/{{ $value.Labels.station }}"
        "{{ end }}{{ end }}", "sensors",
        about="More than half of a district is silent: look for its gateway, its power, or the "
        "broker before you look for sensors.",
    )


def _station_silent() -> Json:
    return _rule(
        "station-silent", "Station silent",
        [_query("A", _ages(), 300), _query("B", _together_now(), HELD_S),
         _reduced("C", "A"), _reduced("D", "B"),
         # Every silence is told by this rule or by the one above, never by both or none.
         _expression("E", "math", f"$C * ($D <= {TOGETHER_SHARE:g})"),
         _threshold("F", "E", "gt", SILENT_S, HEARD_S)],
        "5m", "warning",
        "{{ $labels.district }}/{{ $labels.station }} has not been heard for "
        "{{ humanizeDuration $values.C.Value }}.", "sensors",
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
