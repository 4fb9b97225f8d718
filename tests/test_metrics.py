"""Prometheus text: its form, and the numbers in it."""

import re

from dashboards import metrics
from tests.page_city import City
from tests.test_trust import NOW, STATIONS

LINE = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\]|\\.)*"\})? (-?[0-9.e+-]+|NaN)')


def samples(text: str) -> dict[str, str]:
    """Name with labels to value; checks every line on the way."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            assert LINE.fullmatch(line), line
            name, value = line.rsplit(" ", 1)
            assert name not in found
            found[name] = value
    return found


def test_ingest_in_numbers() -> None:
    city = City.__new__(City)
    city.started_ms, city.recorded = NOW, False
    health = city.health(NOW, NOW)
    found = samples(metrics.render(health, NOW + 250, STATIONS, 3, 4, 5))
    assert found["cityvitals_ingest_up"] == "1"
    assert found['cityvitals_readings_total{verdict="late"}'] == "812"
    assert found["cityvitals_received_total"] == "1200000"
    assert found["cityvitals_oldest_seconds"] == "8040"
    assert found['cityvitals_sink_written_total{sink="influx"}'] == "48000"
    assert found["cityvitals_health_age_seconds"] == "0.25"
    assert found["cityvitals_page_clients"] == "3"
    assert found["cityvitals_page_dropped_total"] == "4"
    assert found["cityvitals_page_states_refused_total"] == "5"
    assert found["cityvitals_windows_left_out_total"] == "0"
    assert found["cityvitals_ingest_resident_bytes"] == "164200000"
    assert sum(int(found[f'cityvitals_trust{{trust="{word}"}}'])
               for word in ("good", "degraded", "bad")) == 1


def test_without_ingest_only_what_is_known() -> None:
    found = samples(metrics.render(None, NOW, STATIONS, 0, 0))
    assert found["cityvitals_ingest_up"] == "0"
    assert found["cityvitals_stations"] == "20"
    assert "cityvitals_received_total" not in found


def test_labels_are_escaped() -> None:
    lines = metrics.family("m", "gauge", "M.", [({"a": 'x"\\\n'}, 1.5)])
    assert lines[-1] == r'm{a="x\"\\\n"} 1.5'
