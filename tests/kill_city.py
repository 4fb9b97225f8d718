"""A city whose every process is killed at random: agents, ingest, the embedded broker, InfluxDB.

`KilledCity.live` draws all from one seed. Afterwards four things are compared with what the
sensors' own logs hold: archive, state, embedded store, InfluxDB; and the final points with those
of a line that took the same readings undisturbed.
"""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cityvitals import broker as embedded
from edge.quantities import QUANTITIES
from edge.verdicts import Verdict
from engine.catalogue import INDICATORS
from engine.catalogue_quality import TIMELINESS
from ingest.archive import Kind, read
from ingest.line import Line
from tests.brokers import Broker
from tests.influxd import Influxd
from tests.line_city import CITY, Kept, message, row, single, write_places
from tests.live_ingest import ROOT, LiveIngest, until
from tests.resident import resident_mb

HOUR_MS = 3_600_000
ARRIVALS = {entry.key for entry in TIMELINESS}
PERIOD_S = 0.1
QUANTITIES_OF = ("pm25", "speed", "power", "pm25")
BEHIND_MS = (0, 3 * HOUR_MS, 3 * HOUR_MS, 30 * HOUR_MS)
"""One sensor tells of the present; the others' outboxes empty, so that windows are restated."""
FINAL_NS = 9 * 86_400 * 10**9
STEP_NS = 3600 * 10**9
CHUNK = 5000
VICTIMS = ("agent", "agent", "agent", "ingest", "ingest", "broker", "influx")
"""Each once, then drawn with equal chance; broker and database take longest to come back."""
UP_S_MAX = 60.0
"""How long a patient killer waits for ingest to be up again."""
STILL_S_MAX = 120.0
"""How long nothing may come in before it counts as lost."""
IMPATIENT = 0.25
"""Share of the kills that a patient killer does not wait for: some meet ingest in its start."""

Reading = tuple[str, str, int, float]
Window = tuple[str, str, int]
Stated = tuple[float, int, int, float]


class Embedded(Broker):
    """The broker that `cityvitals up` starts, as it is configured there but for `ack_wait`."""

    def command(self) -> list[str]:
        """As `Broker.command`."""
        words = embedded.command(self.folder, self.port)
        path = Path(words[-1])
        if "ack_wait" in self.options:
            text = re.sub(r'ack_wait: "\w+"', f'ack_wait: "{self.options["ack_wait"]}"',
                          path.read_text())
            path.write_text(text)
        return words


class LoggedReadings(NamedTuple):
    """What the sensors' logs hold: readings that count, and those an agent's kill may cost."""

    certain: Counter[Reading]
    possible: Counter[Reading]


def logged(folder: Path) -> LoggedReadings:
    """Read the logs of all sensors."""
    certain: Counter[Reading] = Counter()
    possible: Counter[Reading] = Counter()
    for number, quantity in enumerate(QUANTITIES_OF, 1):
        group: list[Reading] = []
        for line in (folder / f"d{number}.log").read_text().splitlines():
            words = line.split()
            if not words or words[0].isdigit():
                if len(words) == 2:  # else a kill has cut the line short
                    group.append((f"d{number}", quantity, int(words[0]), float(words[1])))
                continue
            # A new group, or the end, says that the agent had committed the one before.
            (possible if words[0] == "restart" else certain).update(group)
            group = []
        possible.update(group)
    return LoggedReadings(certain, possible)


class Agent:
    """One agent's process."""

    def __init__(self, folder: Path, number: int, url: str, keys: dict[str, Any]) -> None:
        self.device = f"d{number}"
        self._folder = folder
        self._config = folder / f"{self.device}.toml"
        self._config.write_text("\n".join([
            *(f"{key} = {json.dumps(value)}" for key, value in {
                "city": CITY, "district": "centre", "station": f"s{number}",
                "device": self.device, "outbox": f"{self.device}.db", "period_s": PERIOD_S,
                "resend_s": 2.0, "broker": url, "trust_clock": True,
            }.items()),
            "[driver]", 'kind = "logged"',
            *(f"{key} = {json.dumps(value)}" for key, value in keys.items()),
        ]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process."""
        with (self._folder / f"{self.device}.out").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.kill_agent", str(self._config)], cwd=ROOT,
                stdout=log, stderr=log, env={**os.environ, "TZ": "UTC"},
            )

    def kill(self) -> None:
        """`kill -9`, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """Ask it to end; returns how many messages wait in its outbox."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 0, (self._folder / f"{self.device}.out").read_text()
        self._process = None
        file = sqlite3.connect(self._folder / f"{self.device}.db")
        count, aside = (
            sum(int(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
                for table in tables)
            for tables in (("message", "report", "gap"), ("aside",)))
        file.close()
        assert aside == 0, f"{self.device}: {aside} set aside, and no broker refused one"
        return count

    def empty(self) -> None:
        """Stop it when nothing waits in its outbox; for a look at that it must be stopped."""
        out, since = self._folder / f"{self.device}.out", 0
        for _ in range(20):
            # A signal that comes while Python starts ends it without a word.
            until(lambda: b"connected to" in out.read_bytes()[since:], f"{self.device} is up")  # noqa: B023
            time.sleep(1.0)
            if self.stop() == 0:
                return
            since = out.stat().st_size
            self.start()
        raise AssertionError(f"{self.device} keeps messages in its outbox")


@dataclass
class KilledCity:
    """All processes of one city in `folder`, and one life of it.

    `patient`: most kills wait until ingest is up again, however slow the machine, so that they
    meet it at work and not in its start.
    """

    folder: Path
    seed: int
    readings: int = 20
    broker_options: dict[str, str] = field(default_factory=dict)
    patient: bool = False
    kills: Counter[str] = field(default_factory=Counter)
    at_work: int = 0
    """Kills of ingest that met it connected."""
    resident_mb: list[float] = field(default_factory=list)
    """Of ingest, just before it was killed at work."""
    _in_influx: dict[Window, Stated] = field(default_factory=dict)

    def live(self, seconds: float, kills: int) -> None:
        """Live for `seconds` with `kills` at random moments, then until everything has arrived."""
        rng = random.Random(self.seed)
        folder = self.folder
        write_places(folder / "places.csv", [
            row(f"d{n}", f"s{n}", period_s=1.0) for n in range(1, len(QUANTITIES_OF) + 1)])
        self.broker = Embedded(folder / "broker", **self.broker_options)
        self.influx = Influxd(folder / "influx")
        self.ingest = LiveIngest(folder, self.broker.url, snapshot_every_s=3, grace_s=5)
        with self.ingest.config.open("a") as config:
            config.write(f'[influx]\nurl = "{self.influx.url}"\n')
        keys = {"stop": str(folder / "stop"), "readings": self.readings,
                "begin_ms": time.time_ns() // 1_000_000, "span_ms": round(seconds * 1000)}
        self.agents = [
            Agent(folder, n, self.broker.url, {
                **keys, "quantity": quantity, "behind_ms": behind,
                "log": str(folder / f"d{n}.log")})
            for n, (quantity, behind) in enumerate(zip(QUANTITIES_OF, BEHIND_MS, strict=True), 1)
        ]
        try:
            self.broker.start()
            self.influx.start()
            self.ingest.start_and_wait()
            for agent in self.agents:
                agent.start()
            self._kill(rng, seconds, kills)
            (folder / "stop").touch()
            self._settle()
        finally:
            for process in (*self.agents, self.ingest, self.influx, self.broker):
                process.kill()

    def _kill(self, rng: random.Random, seconds: float, kills: int) -> None:
        begun = time.monotonic()
        moments = sorted(rng.uniform(1.0, seconds) for _ in range(kills))
        names = [*dict.fromkeys(VICTIMS), *rng.choices(VICTIMS, k=kills)][:kills]
        rng.shuffle(names)
        for moment, name in zip(moments, names, strict=True):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            victims: dict[str, Any] = {
                "agent": rng.choice(self.agents), "ingest": self.ingest, "broker": self.broker,
                "influx": self.influx,
            }
            if self.patient and rng.random() > IMPATIENT:
                self._wait_for_ingest()
            if name == "ingest" and self.ingest.connected:
                self.at_work += 1
                self.resident_mb.append(resident_mb(self.ingest.pid))
            victims[name].kill()
            self.kills[name] += 1
            victims[name].start()
        time.sleep(max(0.0, begun + seconds - time.monotonic()))

    def _wait_for_ingest(self) -> None:
        deadline = time.monotonic() + UP_S_MAX
        while not self.ingest.connected and time.monotonic() < deadline:
            assert self.ingest.running, f"ingest ended by itself: {self.ingest.log()[-2000:]}"
            time.sleep(0.05)

    def _settle(self) -> None:
        """Wait until ingest has what the logs hold and the agents and InfluxDB say so too."""
        expected = sum(logged(self.folder).certain.values())
        # A slow machine may take long; what stands still does not come.
        before, since = -1, time.monotonic()
        while (count := self.ingest.taken()) < expected:
            assert self.ingest.running, self.ingest.log()
            if count > before:
                before, since = count, time.monotonic()
            assert time.monotonic() < since + STILL_S_MAX, (
                f"{count} of {expected} readings are taken in: {self.ingest.verdicts()}")
            time.sleep(0.1)
        for agent in self.agents:
            agent.empty()
        until(self._sent, "InfluxDB has all, and what it may have lost once more", 60)
        assert self.ingest.stop() == 0, self.ingest.log()
        # A last kill could cost it what it confirmed, and nobody would send that again.
        self._in_influx = self._points_of_influx()

    def _sent(self) -> bool:
        """True when the server that runs now was given everything."""
        began_ms = self.influx.began_ms()
        return all(sink["since_ms"] == began_ms and not sink["queued"]
                   for sink in (self.ingest.health() or {})["sinks"])

    def check(self) -> None:
        """Compare everything with the logs, and with an undisturbed line."""
        certain, possible = logged(self.folder)
        found, last, state = self._archive()
        lost, strange = certain - found, found - certain - possible
        note = f"seed {self.seed}, kills {dict(self.kills)}"
        assert not lost, f"{note}: {sum(lost.values())} lost, such as {list(lost)[:3]}"
        assert not strange, f"{note}: {sum(strange.values())} twice, such as {list(strange)[:3]}"
        assert sum(certain.values()) > 0
        saved = self._saved()
        for name, array in state.items():
            assert np.array_equal(array, saved[name]), f"{note}: {name} of snapshot and archive"
        assert int(state["hours"]["n"].sum()) == sum(found.values()), note
        stored = self._stored()
        assert stored.keys() == last.keys(), note
        wrong = {key: (stored[key], last[key]) for key in last if stored[key] != last[key]}
        assert not wrong, f"{note}: store and archive: {list(wrong.items())[:3]}"
        self._check_influx(stored, note)
        finals, ended_ns = self._finals()
        # How readings came is another story in each life (docs/decisions/0011).
        finals = {key: row for key, row in finals.items() if key[1] not in ARRIVALS}
        undisturbed = self._undisturbed(found, ended_ns)
        one_sided = sorted(finals.keys() ^ undisturbed.keys())
        assert not one_sided, f"{note}: {len(one_sided)} points, such as {one_sided[:3]}"
        assert len(finals) > 20
        wrong = {key: (finals[key], undisturbed[key]) for key in finals
                 if finals[key] != undisturbed[key]}
        assert not wrong, f"{note}: undisturbed points: {list(wrong.items())[:3]}"

    def _open(self, whole: bool) -> tuple[Line, Kept]:
        """A line on a copy of what ingest left; `whole`: from the archive alone."""
        kept = Kept()
        copy = self.folder / f"copy{len(list(self.folder.glob('copy*')))}"
        shutil.copytree(self.folder / "ingest", copy)
        line = Line(copy, kept, 5)
        line.open(whole=whole)
        return line, kept

    def _archive(self) -> tuple[Counter[Reading], dict[Window, Stated], dict[str, Any]]:
        """Readings that the archive counts; points and panes that follow from it."""
        line, kept = self._open(whole=True)
        registry = line.vitals.registry
        names = list(QUANTITIES)
        found: Counter[Reading] = Counter()
        for record in read(self.folder / "ingest" / "archive"):
            if record.kind not in (Kind.BATCH, Kind.RELEASE_FUTURE, Kind.RELEASE_UNKNOWN):
                continue
            batch = record.batch()
            batch = batch.take((batch.verdict <= Verdict.LATE) & (batch.slot >= 0))
            for slot, time_ns, value in zip(batch.slot.tolist(), batch.time_ns.tolist(),
                                            batch.value.tolist(), strict=True):
                series = registry.series[slot]
                found[registry.devices[series.device], names[series.quantity],
                      time_ns // 1_000_000, value] += 1
        windows = _windows(kept)
        state = _state(line)
        line.close(save=False)
        return found, windows, state

    def _saved(self) -> dict[str, Any]:
        line, _ = self._open(whole=False)
        state = _state(line)
        line.close(save=False)
        return state

    def _stored(self) -> dict[Window, Stated]:
        """Closed points in the embedded store."""
        store = self.ingest.store
        found = {
            (last_path, entry.key, sample.end_ms // 1000):
                (sample.value, sample.level, sample.n, sample.cov)
            for last_path in {last.path for last in store.last()} for entry in INDICATORS
            for sample in store.history(last_path, entry.key, 0, 1 << 42, 1_000_000)
        }
        store.close()
        return found

    def _points_of_influx(self) -> dict[Window, Stated]:
        found: dict[Window, Stated] = {}
        for series in self.influx.query('SELECT value, level, n, cov FROM "indicator" GROUP BY *'):
            tags = series["tags"]
            path = f"{tags['district']}/{tags['station']}"
            key = f"{tags['domain']}.{tags['ind']}"
            for time_ns, value, level, n, cov in series["values"]:
                found[path, key, time_ns // 10**9] = (value, level, n, cov)
        return found

    def _check_influx(self, stored: dict[Window, Stated], note: str) -> None:
        found = self._in_influx
        stations = {key: row for key, row in stored.items() if not key[0].endswith("/_")}
        assert found.keys() == stations.keys(), note
        wrong = {key: (found[key], stations[key]) for key in found if found[key] != stations[key]}
        assert not wrong, f"{note}: InfluxDB and store: {list(wrong.items())[:3]}"

    def _finals(self) -> tuple[dict[Window, Stated], int]:
        """Points of the killed city once time has made them final; when its clock had stopped."""
        line, kept = self._open(whole=True)
        ended_ns = line.vitals.now_ns
        _age(line, ended_ns)
        line.close(save=False)
        return _windows(kept), ended_ns

    def _undisturbed(
        self, readings: Counter[Reading], ended_ns: int
    ) -> dict[Window, Stated]:
        """Final points of a line that takes the same readings at once, in the order of time.

        Both age from the same moment: a minute later has one more window.
        """
        folder = self.folder / "undisturbed"
        kept = Kept()
        line = Line(folder, kept, 5)
        line.open()
        ordered = sorted(readings.elements(), key=lambda reading: reading[2])
        first_ns, last_ns = ordered[0][2] * 10**6, ordered[-1][2] * 10**6
        line.load_places(self.folder / "places.csv", first_ns)
        numbers: Counter[str] = Counter()
        for start in range(0, len(ordered), CHUNK):
            part = []
            for device, quantity, time_ms, value in ordered[start:start + CHUNK]:
                numbers[device] += 1
                part.append(message(
                    device, single(numbers[device], value, time_ms, quantity), last_ns // 10**6))
            line.take(part, last_ns)
        _age(line, ended_ns)
        line.close(save=False)
        return _windows(kept)


def _age(line: Line, now_ns: int) -> None:
    """Move the clock on until every window of now is final."""
    for tick_ns in range(now_ns, now_ns + FINAL_NS, STEP_NS):
        line.tick(tick_ns, with_open=False)


def _state(line: Line) -> dict[str, Any]:
    """Panes of all series, after a tick, which folds minutes into hours and days."""
    line.tick(line.vitals.now_ns + 60 * 10**9, with_open=False)
    panes, used = line.vitals.panes, len(line.vitals.registry.series)
    return {"minutes": panes.minutes[:used].copy(), "hours": panes.coarse[0][:used].copy(),
            "days": panes.coarse[1][:used].copy()}


def _windows(kept: Kept) -> dict[Window, Stated]:
    """The last word on every window, without the revision, which tells of the order of arrival."""
    return {
        (place.path, INDICATORS[indicator].key, end_s): (stated[0], stated[1], stated[2], stated[3])
        for (place, indicator, end_s), stated in kept.values.items()
    }
