"""Prometheus text of what ingest says of itself, and of the page's own counts. Pure."""

import math
from collections.abc import Iterable, Mapping

from dashboards.trust import Health, judge, stopped

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labelled = tuple[dict[str, str], float]


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def family(name: str, kind: str, words: str, rows: Iterable[Labelled]) -> list[str]:
    """The lines of one metric: help, type and a line for each set of labels."""
    lines = [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
    for labels, value in rows:
        inside = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inside}}} {_number(value)}" if inside else
                     f"{name} {_number(value)}")
    return lines


def _plain(name: str, kind: str, words: str, value: float) -> list[str]:
    return family(name, kind, words, [({}, value)])


def _ingest(health: Health) -> list[str]:
    verdicts = [({"verdict": label}, count) for label, count in health["verdicts"].items()]
    broker = int(health["broker"]["connected"])
    return [
        *family("cityvitals_readings_total", "counter",
                "Readings by what became of them.", verdicts),
        *_plain("cityvitals_received_total", "counter", "Readings received.",
                health["received"]),
        *_plain("cityvitals_readings_per_second", "gauge", "Readings received a second.",
                health["readings_per_s"]),
        *_plain("cityvitals_points_total", "counter", "Points written.", health["points"]),
        *_plain("cityvitals_oldest_seconds", "gauge",
                "Age of the newest reading of the most silent active series.",
                health["oldest_s"]),
        *_plain("cityvitals_broker_connected", "gauge", "1 while ingest has its broker.", broker),
        *_plain("cityvitals_ingest_queue", "gauge", "Messages that wait in ingest.",
                health["queue"]),
        *_plain("cityvitals_archive_bytes", "gauge", "Size of the archive.",
                health["archive"]["bytes"]),
        *_plain("cityvitals_windows_left_out_total", "counter",
                "Windows not computed after a long stop of ingest.",
                health.get("windows_left_out", 0)),
        *_plain("cityvitals_held_devices", "gauge", "Devices that wait to be admitted.",
                len(health["held"])),
        *_plain("cityvitals_ingest_resident_bytes", "gauge", "Resident memory of ingest.",
                health["rss_mb"] * 1e6),
    ]


_SINK = (
    ("cityvitals_sink_queued", "gauge", "Points that wait for the sink.", "queued"),
    ("cityvitals_sink_spool_bytes", "gauge", "Bytes in the sink's spool.", "bytes"),
    ("cityvitals_sink_dead_total", "counter", "Points the sink refused for good.", "dead"),
    ("cityvitals_sink_written_total", "counter", "Points the sink took.", "written"),
)


def render(
    health: Health | None, wall_ms: int, stations: Mapping[str, str], clients: int, dropped: int,
    states_refused: int = 0,
) -> str:
    """The whole answer of `/metrics` at `wall_ms` (Unix ms)."""
    trust = judge(health, wall_ms, stations)
    lines = [
        *_plain("cityvitals_ingest_up", "gauge", "1 while ingest writes its health.",
                int(not stopped(health, wall_ms))),
        *family("cityvitals_trust", "gauge", "1 at what the data is worth now.",
                [({"trust": word}, int(trust.trust == word))
                 for word in ("good", "degraded", "bad")]),
        *_plain("cityvitals_stations", "gauge", "Active stations.", trust.stations),
        *_plain("cityvitals_stations_reporting", "gauge", "Stations that are not silent.",
                trust.reporting),
        *_plain("cityvitals_page_clients", "gauge", "Pages that listen.", clients),
        *_plain("cityvitals_page_dropped_total", "counter",
                "Live frames dropped for slow pages.", dropped),
        *_plain("cityvitals_page_states_refused_total", "counter",
                "States of devices that the page cannot read or has no room for.",
                states_refused),
    ]
    if health is not None:
        age_s = (wall_ms - health["at_ms"]) / 1000
        lines += _plain("cityvitals_health_age_seconds", "gauge", "Age of ingest's health.", age_s)
        lines += _ingest(health)
        for name, kind, words, key in _SINK:
            rows = [({"sink": sink["name"]}, sink[key]) for sink in health["sinks"]]
            lines += family(name, kind, words, rows)
    return "\n".join(lines) + "\n"
