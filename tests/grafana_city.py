"""Simville's last 50 hours as the engine wrote them, in a real InfluxDB, for dashboards' queries.

What the city does not live long enough for (annual means) or has no sensors for the engine says of
small towns at the same stations (`tests.grafana_rare`).
"""

import time
from pathlib import Path

import numpy as np

from cityvitals import past
from cityvitals.backfill import backfill
from cityvitals.place import write
from edge import wire
from engine.catalogue import INDICATORS, POSITION
from ingest.admission import opened
from ingest.health import Health, ages
from ingest.influx import InfluxSettings, InfluxSink
from ingest.line import Line
from ingest.lines import PointLines
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.spool import Spool
from ingest.store import Store
from simulators.city import City
from tests.grafana_rare import Rare
from tests.influxd import Influxd
from tests.line_city import MINUTE_MS, MS, body

END_MS = 1_790_172_900_000  # a Wednesday, 2026-09-23, 14:15 UTC
NOW_MS = END_MS + 6 * MINUTE_MS
HOURS = 50
CITY = City.name
STATIONS = {"air": "air-01", "traffic": "road-01", "energy": "feeder-01"}
WAIT_S = 240.0
"""On a busy machine InfluxDB takes its time over 300 batches."""


class GrafanaCity:
    """The data folder, the server that has all of it, and indicators of which nothing was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Influxd(folder / "influxd")
        self.server.start()
        city, start_ms = City(1), END_MS - HOURS * 3_600_000
        write(folder / "places.csv", past.dated([], city, start_ms, END_MS))
        backfill(folder, city, start_ms, END_MS, lambda _: None, influx=True)
        spool = Spool.create(folder / "spool.db")
        sink = InfluxSink(InfluxSettings(url=self.server.url), spool)
        store = Store.create(folder / "store.db")
        known = {row.indicator for row in store.last() if row.level >= 0 and row.state > 0}
        self._live(Outlets(store, sink), city)
        known |= self._rare(known, sink)
        self.unsaid = [entry.key for entry in INDICATORS if entry.key not in known]
        sink.start()
        deadline = time.monotonic() + WAIT_S
        while sink.status()["queued"]:
            assert time.monotonic() < deadline, sink.status()
            time.sleep(0.05)
        sink.stop(1)
        assert sink.status()["dead"] == 0
        store.close()
        spool.close()

    def _live(self, outlets: Outlets, city: City) -> None:
        """Some minutes as ingest has them: states, pipeline, an event and a late reading."""
        line = Line(self.folder / "ingest", outlets, 60)
        line.open()
        health = Health(line, "wall")
        at = city.stations[0]
        topic = f"cv/1/r/{CITY}/{at.district}/{at.station}/{at.device}"
        for minute in range(1, 7):
            now_ms = END_MS + minute * MINUTE_MS
            payloads = [wire.encode_single(1, minute, "pm25", now_ms, 8.0)]
            if minute == 1:
                late_ms = END_MS - 90 * MINUTE_MS + 1
                payloads.append(body(90, q="pm25", t=late_ms, v=400.0))
                payloads.append(body(91, ev="interruption", id="i1", t=now_ms, customers=12))
            messages = [opened(Received(topic, row), now_ms * MS) for row in payloads]
            line.take(messages, now_ms * MS)
            line.tick(now_ms * MS, with_open=False)
            outlets.station_states(line.vitals, ages(line.vitals, now_ms * MS))
            outlets.pipeline(health.build(
                now_ns=now_ms * MS, queue=0, broker={}, sinks=[]))
        line.close()

    def _rare(self, known: set[str], sink: InfluxSink) -> set[str]:
        """What the engine says of other lives, of indicators that are not known yet."""
        missing = [POSITION[entry.key] for entry in INDICATORS if entry.key not in known]
        said: set[str] = set()
        for points, town in Rare(NOW_MS // 1000).points():
            mine = points.take(np.isin(points.indicator, missing) & (points.rev > 0))
            sink.write(PointLines().encode(mine, town.vitals.registry.keys))
            said |= {INDICATORS[k].key for k in np.unique(mine.indicator[mine.level >= 0]).tolist()}
        return said

    def close(self) -> None:
        """End the server."""
        self.server.kill()
