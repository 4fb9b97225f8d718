"""Where points go: the embedded store, InfluxDB through its spool, and MQTT."""

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from edge import topics
from edge.places import PlaceKey
from edge.quantities import QUANTITIES
from engine.catalogue import INDICATORS, POSITION
from engine.indicator import Indicator
from engine.points import INSUFFICIENT, Points, PointState
from engine.registry import Registry
from engine.vitals import Vitals
from ingest.late_rows import Told
from ingest.lines import Batch as Lines
from ingest.lines import PointLines, event, pipeline, station_state
from ingest.messages import Event
from ingest.open_news import OpenNews
from ingest.outlet import Known
from ingest.restatements import Causes, Restatement, Restatements
from ingest.rollups import HOUR_S, Rollups
from ingest.store import Store
from ingest.store_now import LatestReadings
from ingest.store_rows import PlaceInfo
from ingest.store_thread import StoreThread

if TYPE_CHECKING:
    from ingest.influx import InfluxSink

Publish = Callable[[list[tuple[str, bytes]]], None]

_QUANTITY_IDS = list(QUANTITIES)
NEVER_MS = 1 << 62
_NOTHING = (INSUFFICIENT, "", 0.0)


class Outlets:
    """The outlets of one line; `influx` and `publish` are None where not asked for.

    With `beside` the store gets latest readings and open points from there, without waiting.
    """

    def __init__(
        self, store: Store, influx: "InfluxSink | None" = None, publish: Publish | None = None,
        beside: StoreThread | None = None,
    ) -> None:
        self.store = store
        self._beside = beside
        self._news = OpenNews()
        self.influx = influx
        self.publish = publish
        self._lines = PointLines()
        self._restatements = Restatements()
        self._published: dict[tuple[int, int], int] = {}
        self._told_ns = np.zeros(0, np.int64)
        self._next_row_ms = NEVER_MS
        self._retained: list[tuple[PlaceKey, str]] = []
        self._rollups: Rollups | None = None
        before = store.health() if influx is not None else None
        self._ended_s = int(before["at_ms"]) // 1000 if before else 0
        self.write_ms = 0.0
        self._sensor_of = np.zeros(0, np.int64)
        self._sensors_of: Registry | None = None

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        """Points into all outlets; an open point goes to the store alone."""
        keys = vitals.registry.keys
        is_open = points.state == PointState.OPEN
        closed = points.take(~is_open)
        if self._beside is not None:
            self.opened(points.take(is_open), vitals)
            points = closed
        begun = time.perf_counter()
        self._restatements.note(self.store.write(points, keys, known_ms))
        self.write_ms = (time.perf_counter() - begun) * 1000
        if self.influx is not None and len(closed):
            self.influx.write(self._lines.encode(closed, keys))
            self._rollups_of(vitals).note_points(closed)
        if self.publish is not None and len(closed):
            self._announce(closed, keys, self.publish)

    def opened(self, points: Points, vitals: Vitals) -> int:
        """Points of windows in progress into the store; of how many there is something new."""
        keys, now_ms = vitals.registry.keys, vitals.now_ns // 1_000_000
        if self._beside is None:
            self.store.write(points, keys, now_ms)
            return len(points)
        told = points.take(self._news.take(points, now_ms // 1000))
        if len(told):
            self._beside.put_points(told, keys, now_ms)
        return len(told)

    def _announce(self, points: Points, keys: Sequence[PlaceKey], publish: Publish) -> None:
        """Publish the newest window of each series, retained; older ones would go backwards."""
        newest = np.argsort(points.end_s, kind="stable")
        last = {(int(points.place[k]), int(points.indicator[k])): k for k in newest.tolist()}
        said = []
        for series, k in last.items():
            end_s = int(points.end_s[k])
            if end_s < self._published.get(series, 0):
                continue
            self._published[series] = end_s
            key, entry = keys[series[0]], INDICATORS[series[1]]
            level = int(points.level[k])
            said.append((_topic(key, entry), msgspec.json.encode({
                "t": end_s * 1000, "v": None if level == INSUFFICIENT else float(points.value[k]),
                "u": entry.unit, "level": level,
                "word": entry.levels[level].word if level >= 0 else "insufficient",
                "cov": round(float(points.cov[k]), 4), "n": int(points.n[k]),
                "rev": int(points.rev[k]),
            })))
        publish(said)

    def events(self, events: Sequence[Event], vitals: Vitals) -> None:
        """Events that devices reported, with their place."""
        for row in events:
            if vitals.registry.hides(row.source.city, row.source.district, row.source.station):
                continue
            path = f"{row.source.district}/{row.source.station}"
            until = "" if row.end_ms is None else f" until {_utc(row.end_ms)}"
            who = "" if row.customers is None else f", {row.customers} customers"
            title = f"{row.kind} {row.id}".strip()
            body = f"reported by {row.source.device}: from {_utc(row.start_ms)}{until}{who}"
            self._event(row.source.city, row.start_ms, path, row.kind, "", "info", title, body)

    def restated(self, vitals: Vitals) -> None:
        """Events that say which points changed in the last minute, by how much and why.

        And the places anew, if a dated row has begun in that minute.
        """
        now_ms = vitals.now_ns // 1_000_000
        if now_ms >= self._next_row_ms:
            self.places(vitals)
        self._tell_restated(
            self._restatements.tell(Causes(vitals.take_restated(), vitals), vitals), now_ms
        )

    def placed_anew(self, told: Told, vitals: Vitals) -> None:
        """Points that rows of the places file have changed, and the events that say so."""
        late, self._restatements = self._restatements, Restatements()
        self.points(told.points, vitals, told.known_ms)
        self._tell_restated(self._restatements.tell(told, vitals), told.known_ms)
        self._restatements = late

    def _tell_restated(self, changes: Iterable[Restatement], now_ms: int) -> None:
        for one in changes:
            self._event(one.key.city, now_ms, one.key.path, "restated", one.indicator, "info",
                        one.title, one.text)

    def _event(
        self, city: str, time_ms: int, path: str, kind: str, indicator: str, severity: str,
        title: str, body: str,
    ) -> None:
        self.store.write_event(time_ms, path, kind, indicator, severity, title, body)
        if self.influx is not None:
            district, station = path.split("/")
            line = event(
                PlaceKey(city, district, station), time_ms, kind=kind, indicator=indicator,
                severity=severity, title=title, body=body,
            )
            self.influx.write([Lines(line, 1, "ns")])

    @property
    def open_s(self) -> float:
        """Seconds of the processor that writing open points beside the loop took until now."""
        return self._beside.points_s if self._beside else 0.0

    @property
    def takes_open(self) -> bool:
        """True when the open points said before are in the store."""
        return self._beside is None or self._beside.takes_points

    def places(self, vitals: Vitals) -> None:
        """Tell the store of all public places; what it held of private ones is forgotten."""
        registry, self._sensors_of = vitals.registry, None
        if self._beside is not None:  # what waits may tell of one that is private now
            self._beside.drain()
        hidden = [registry.keys[place] for place in sorted(registry.private)]
        gone = self.store.forget([key.path for key in hidden]) if hidden else []
        if gone:  # what their areas said while they were public holds single numbers of theirs
            areas = {f"{path.split('/')[0]}/_" for path, _ in gone} | {"_/_"}
            gone += self.store.forget(sorted(areas))
        self._retained += [
            (PlaceKey(hidden[0].city, *path.split("/")), key) for path, key in gone
        ]
        now_ms = vitals.now_ns // 1_000_000
        self.store.write_places([
            PlaceInfo(
                registry.keys[place], row.name, row.lat, row.lon, row.tz, row.length_km,
                row.lanes, row.posted_kmh,
            )
            for place in registry.attributes if place not in registry.private
            and (row := registry.attributes_at(place, now_ms)) is not None
        ])
        self._next_row_ms = min(
            (row.valid_from_ms for row in registry.rows if row.valid_from_ms > now_ms),
            default=NEVER_MS,
        )
        told = np.arange(len(self._told_ns), dtype=np.int32)
        gone_now = registry.period_at(told, np.full(len(told), now_ms // 1000, np.int64)) == 0
        self._told_ns[gone_now] = 0  # their readings are told once more, as those of no one

    def clear_retained(self) -> None:
        """Take back what was published, retained, of stations that have become private."""
        gone, self._retained = self._retained, []
        if gone and self.publish is not None:
            self.publish([
                (_topic(key, INDICATORS[POSITION[indicator]]), b"") for key, indicator in gone
            ])

    def readings(self, vitals: Vitals) -> float:
        """The latest reading of every series that changed since the last call.

        With the period of now: 0 where the device has been retired or moved away. Returns how many
        seconds of the processor that takes, also beside the loop.
        """
        begun = time.thread_time()
        if self._beside is None:
            self.store.write_latest(self._changed(vitals))
        elif self._beside.takes_readings and len((latest := self._changed(vitals)).sensor):
            self._beside.put_readings(latest)
        return time.thread_time() - begun + (self._beside.readings_s if self._beside else 0.0)

    def _changed(self, vitals: Vitals) -> LatestReadings:
        series, registry = vitals.series, vitals.registry
        used = len(registry.series)
        told = np.zeros(used, np.int64)
        told[: len(self._told_ns)] = self._told_ns
        self._number_sensors(registry)
        # By the series, not by the newest of all: a fast clock would hide everybody else's.
        fresh = np.nonzero((series.last_ns[:used] > told) & (self._sensor_of >= 0))[0]
        self._told_ns = series.last_ns[:used].copy()
        now_s = np.full(len(fresh), vitals.now_ns // 10**9, np.int64)
        return LatestReadings(
            self._sensor_of[fresh], series.last_ns[fresh] // 1_000_000, series.last_value[fresh],
            series.last_flag[fresh].astype(np.int64),
            registry.period_at(fresh.astype(np.int32), now_s))

    def _number_sensors(self, registry: Registry) -> None:
        """The store's number of each slot, -1 for those of private places."""
        if self._sensors_of is not registry:
            self._sensor_of, self._sensors_of = np.zeros(0, np.int64), registry
        first = len(self._sensor_of)
        new = registry.series[first:]
        if not new:
            return
        shown = np.array([what.place not in registry.private for what in new])
        numbers = np.full(len(new), -1, np.int64)
        numbers[shown] = self.store.sensors([
            (registry.keys[what.place].path, registry.devices[what.device],
             _QUANTITY_IDS[what.quantity], what.channel)
            for what, is_shown in zip(new, shown.tolist(), strict=True) if is_shown])
        self._sensor_of = np.concatenate([self._sensor_of, numbers])

    def _rollups_of(self, vitals: Vitals) -> Rollups:
        if self._rollups is None:
            self._rollups = Rollups(self.store, vitals.registry.zone)
            now_s = vitals.now_ns // 1_000_000_000
            # What a restart came before, however long ago the last run ended.
            for end_s in {now_s, self._ended_s or now_s}:
                for before_s in (0, HOUR_S, 24 * HOUR_S):
                    self._rollups.note(end_s - before_s)
        self._rollups.zone = vitals.registry.zone
        return self._rollups

    def rollups(self, vitals: Vitals) -> None:
        """Hourly and daily roll-ups that are due, into InfluxDB."""
        if self.influx is not None:
            keys = {key.path: key for key in vitals.registry.keys}
            now_s = vitals.now_ns // 1_000_000_000
            self.influx.write(self._rollups_of(vitals).due(now_s, keys))

    def pipeline(self, health: dict[str, Any]) -> None:
        """How ingest is doing, a `pipeline` line into InfluxDB."""
        if self.influx is None:
            return
        sink = self.influx.status()
        verdicts = health["verdicts"]
        line = pipeline(
            socket.gethostname(), "ingest", health["clock"]["now_ms"] // 60_000 * 60,
            msgs=health["received"], errors=sum(
                count for label, count in verdicts.items() if label.startswith("refused_")
            ), lag_s=health["oldest_s"], queue=health["queue"], write_ms=self.write_ms,
            spool=sink["queued"], dead=sink["dead"], rss_mb=health["rss_mb"],
        )
        self.influx.write([Lines(line, 1)])

    def station_states(self, vitals: Vitals, ages_s: dict[int, tuple[float, bool]]) -> None:
        """`station_state` lines into InfluxDB for every active station, silent ones too.

        One whose devices were all retired or moved away is not active: it would count as silent.
        """
        if self.influx is None:
            return
        worst: dict[str, tuple[int, str, float]] = {}
        for last in self.store.last():
            if last.state != PointState.OPEN and last.level > worst.get(last.path, _NOTHING)[0]:
                worst[last.path] = (last.level, last.indicator, last.value)
        now_s = int(vitals.now_ns // 60_000_000_000 * 60)
        body = b""
        for place, (age_s, online) in sorted(ages_s.items()):
            row = vitals.registry.attributes_at(place, vitals.now_ns // 1_000_000)
            if row is None or place in vitals.registry.private:
                continue
            key = vitals.registry.keys[place]
            level, indicator, value = worst.get(key.path, _NOTHING)
            body += station_state(
                key, now_s, lat=row.lat, lon=row.lon, online=online, age_s=age_s, level=level,
                worst=indicator, value=value,
            )
        if body:
            self.influx.write([Lines(body, body.count(b"\n"))])

    def prune(self, keep_days: int, now_ms: int) -> None:
        """Drop points from the store that are older than `keep_days` at the clock's `now_ms`."""
        self.store.prune(now_ms - keep_days * 86_400_000)


def _topic(key: PlaceKey, entry: Indicator) -> str:
    return topics.indicator(
        key.city, key.district or "_", key.station or "_", entry.domain, entry.id
    )


def _utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")
