"""Pipeline: rate, errors and delay of ingest, and what waits on the way to InfluxDB."""

from dashboards import grafana_influxql as ql
from dashboards.grafana_board import Board, Site
from dashboards.grafana_panel import Json, stat, target, timeseries

STAGE = '"host","stage"'
_ALIAS = "$tag_host $tag_stage"
_NOW = (
    ("queue", "Waiting to be taken in", "none", "Messages in ingest's own queue."),
    ("spool", "Batches waiting for InfluxDB", "none",
     "They stay on disk until the server has stored them."),
    ("dead", "Dead letters", "none", "Lines that the server refused for what they say."),
    ("rss_mb", "Memory of ingest", "decmbytes", "Resident."),
)
_COURSES = (
    ("queue", "Waiting to be taken in", "none", "max"),
    ("spool", "Batches waiting for InfluxDB", "none", "max"),
    ("lag_s", "Age of the most silent station", "s", "max"),
    ("write_ms", "Time to write a tick's points to the store", "ms", "max"),
    ("rss_mb", "Memory of ingest", "decmbytes", "max"),
    ("dead", "Dead letters", "none", "max"),
)


def board(site: Site) -> Board:
    """The board `cv-pipeline`."""
    made = Board(site, "pipeline", "Pipeline", "From broker to database: rate, errors, delay.")
    made.row("Is it running?")
    made.add(_minute(stat(
        "now.msgs", "Readings a second", [target(ql.select(
            'non_negative_derivative(last("msgs"),1s) AS "msgs"', "pipeline",
            by=f"{ql.TIME},{STAGE}", fill="none"))],
        unit="none", digits=1, graph="area", about="Of all verdicts together.",
    )) | {"timeFrom": "15m"}, 6, 4)
    for field, title, unit, words in _NOW:
        query = ql.select(f'last("{field}") AS "{field}"', "pipeline", by=STAGE)
        made.add(stat(f"now.{field}", title, [target(query)], unit=unit, digits=0,
                      about=words) | {"timeFrom": "5m"}, 4, 4)
    made.row("Rate and errors")
    for field, title in (("msgs", "Readings received"), ("errors", "Readings refused")):
        made.add(_minute(timeseries(
            f"rate.{field}", title, [target(ql.per_second(field), alias=_ALIAS)],
            unit="suffix:/s", digits=2, fill=10,
            about="A restart of ingest does not show: the counters go on.",
        )), 12, 8)
    made.row("Delay, queues and memory")
    for field, title, unit, function in _COURSES:
        query = ql.select(f'{function}("{field}") AS "{field}"', "pipeline",
                          by=f"{ql.TIME},{STAGE}", fill="null")
        made.add(_minute(timeseries(
            f"course.{field}", title, [target(query, alias=_ALIAS)], unit=unit, digits=1,
        )), 8, 7)
    return made


def _minute(panel: Json) -> Json:
    return panel | {"interval": "1m", "maxDataPoints": 800}
