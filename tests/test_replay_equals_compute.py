"""A recording over MQTT, through agents, broker and ingest, gives what `compute` gives."""

import csv
import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.verdicts import Verdict
from engine.catalogue import INDICATORS
from ingest.compute import Computed, compute
from simulators import sample_city
from tests.brokers import Broker, Mosquitto, Nats
from tests.live_ingest import ROOT, LiveIngest, until

REPLAY = (
    "import sys, pathlib; from simulators.replay import run; p = pathlib.Path; "
    "sys.exit(run(p(sys.argv[1]), p(sys.argv[2]), sys.argv[3], p(sys.argv[4]), 0))"
)
FIRST, LAST = "2014-08-05T14", "2014-08-06T06"


def cut(path: Path, *, contested: bool) -> Path:
    """Some 16 hours of the sample over a midnight; rows late, lost, strange, early, contested."""
    rng = random.Random(1407)
    with gzip.open(sample_city.recording(), "rt") as file:
        rows = [row for row in csv.DictReader(file) if FIRST <= row["time"] < LAST]
    told_again = []
    for row in rows:
        late = rng.random()
        if late < 0.01:
            row["received"] = row["received"].replace(":", "", 0)[:11] + "23:59:30Z"
        elif late < 0.015:
            row["value"] = "1e12"
        elif late < 0.017:
            row["value"] = "nan"
        elif late < 0.02:  # the sensor's clock runs ahead of the recorder's
            row["received"] = row["time"][:10] + "T" + row["received"][11:]
            hour = max(int(row["time"][11:13]) - 1, 0)
            row["received"] = f"{row['time'][:10]}T{hour:02}{row['time'][13:]}"
        elif contested and late < 0.025:  # another value: the later stands
            told_again.append({**row, "value": str(float(row["value"]) + 1.0),
                               "received": row["time"][:11] + "23:59:40Z"})
    rows += told_again
    rng.shuffle(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def points_of(computed: Computed) -> dict[tuple[str, str, int], tuple[float, int, int, float]]:
    """What `compute` yields, as the store would say it."""
    points, keys = computed.points(), computed.vitals.registry.keys
    return {
        (keys[place].path, INDICATORS[indicator].key, end_s * 1000): (value, level, n, cov)
        for place, indicator, end_s, value, level, n, cov in zip(
            points.place.tolist(), points.indicator.tolist(), points.end_s.tolist(),
            points.value.tolist(), points.level.tolist(), points.n.tolist(),
            points.cov.tolist(), strict=True,
        )
    }


def stored(ingest: LiveIngest) -> dict[tuple[str, str, int], Any]:
    """The same from the store."""
    paths = {last.path for last in ingest.store.last()}
    return {
        (path, entry.key, sample.end_ms): (sample.value, sample.level, sample.n, sample.cov)
        for path in paths for entry in INDICATORS
        for sample in ingest.store.history(path, entry.key, 0, 1 << 42, 1_000_000)
    }


@pytest.mark.parametrize("kills", [0, 3])
def test_the_same_points_and_verdicts(tmp_path: Path, kills: int) -> None:
    recording = cut(tmp_path / "cut.csv", contested=not kills)
    # Mosquitto sends again at once, when ingest reconnects, what a killed ingest had not taken.
    broker: Broker = Nats(tmp_path / "broker") if not kills else (
        Mosquitto(tmp_path / "broker", max_inflight_messages="0", max_queued_messages="0"))
    broker.start()
    (tmp_path / "places.csv").write_bytes(sample_city.places().read_bytes())
    ingest = LiveIngest(tmp_path, broker.url, clock="recorded", snapshot_every_s=2)
    replay = None
    try:
        ingest.start_and_wait()
        words = [str(word) for word in
                 (recording, sample_city.places(), broker.url, tmp_path / "agents")]
        with (tmp_path / "replay.log").open("w") as log:
            replay = subprocess.Popen([sys.executable, "-c", REPLAY, *words], cwd=ROOT,
                                      stdout=log, stderr=log, env={**os.environ, "TZ": "UTC"})
        for kill in range(kills):
            until(lambda kill=kill: sum(ingest.verdicts().values()) > (kill + 1) * 500,
                  "readings come")
            ingest.kill()
            ingest.start_and_wait()
        assert replay.wait(120) == 0, (tmp_path / "replay.log").read_text()
        computed = compute(recording, sample_city.places())
        expected = points_of(computed)
        until(lambda: (ingest.health() or {})["clock"]["now_ms"] * 1_000_000 >= computed.now_ns,
              "the clock is at its end")
        assert ingest.stop() == 0
        counts = {v.label: int(computed.counts[v]) for v in Verdict if computed.counts[v]}
        given = ingest.verdicts()
        given.pop("duplicate", None)
        assert given == counts, json.dumps([given, counts])
        assert set(counts) == {
            "applied", "late", "refused_not_a_number", "refused_impossible",
            *(() if kills else ("conflict",)),
        }
        found = stored(ingest)
        assert len(found) > 3000
        assert found.keys() == expected.keys()
        different = {key: (found[key], expected[key]) for key in expected
                     if found[key] != expected[key]}
        assert not different, dict(list(different.items())[:5])
    finally:
        if replay is not None:
            replay.kill()
            replay.wait()
        ingest.kill()
        broker.kill()
