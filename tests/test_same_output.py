"""Same input, same output: through a real line, in any order, split, repeated, and cut anywhere."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from edge import wire
from ingest.line import Line
from tests.drawn import RARELY, SEEDS
from tests.line_city import (
    MINUTE_MS,
    MS,
    START_MS,
    Kept,
    abandon,
    line_of,
    message,
    row,
    write_places,
)

HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
LIVED_MS = 30 * HOUR_MS
KINDS = {
    "d1": (("pm25", "no2"), 900), "d2": (("speed", "count"), 300), "d3": (("power",), 180),
    "d4": (("pm10", "o3", "so2", "co"), 900), "d5": (("laeq",), 300), "d6": (("energy",), 900),
    "d7": (("voltage", "current", "thd", "pst"), 600), "d8": (("pm25", "rh"), 900),
}
SPANS = {"co": (0.1, 9.0), "voltage": (205.0, 255.0), "thd": (1.0, 9.0), "pst": (0.1, 1.5)}
END_MS = START_MS + LIVED_MS + 9 * DAY_MS
Told = tuple[int, str, bytes]


def told() -> list[Told]:
    """(time, device, message) of all, with holes that are the same in every life."""
    rng, found = random.Random(3), []
    for device, (quantities, period_s) in KINDS.items():
        for number, time_ms in enumerate(range(START_MS, START_MS + LIVED_MS, period_s * 1000), 1):
            values = {
                name: round(rng.uniform(*SPANS.get(name, (5.0, 90.0))), 2) for name in quantities
            }
            if "energy" in values:  # a register only grows
                values["energy"] = round(values["energy"] / 100 + 2.0 * number, 2)
            sent = wire.encode_device_block(1, number, time_ms, values)
            if rng.random() < 0.93:
                found.append((time_ms, device, sent))
    return sorted(found)


def lived(folder: Path, coming: list[Told], rng: random.Random, cuts: set[int]) -> (
    dict[Any, Any]
):
    """The last word on every window; before batch k of `cuts` ingest is killed or saved."""
    rows = [
        row(device, f"s{device[1:]}", period_s=float(period_s))
        for device, (_, period_s) in KINDS.items()
    ]
    rows[-1] = replace(rows[-1], correction="purpleair-cf1")
    write_places(folder / "places.csv", rows)
    kept = Kept()
    line = line_of(folder, kept)
    clock, at = START_MS, 0
    batch = 0
    while at < len(coming) or clock < END_MS:
        batch += 1
        if batch in cuts:
            line = _cut(line, folder, kept, rng)
        upto = at
        while upto < len(coming) and coming[upto][0] <= clock:
            upto += 1
        while at < upto:
            some = coming[at : min(upto, at + rng.choice([3, 40, 1000]))]
            at += len(some)
            line.take([message(device, sent, clock) for _, device, sent in some], clock * MS)
        line.tick((clock + rng.randrange(50_000)) * MS, with_open=rng.random() < 0.2)
        clock += rng.choice([HOUR_MS, 3 * HOUR_MS]) if at < len(coming) else 11 * HOUR_MS
    line.tick((clock + DAY_MS) * MS, with_open=False)
    line.close(save=False)
    end_s = (START_MS + LIVED_MS + DAY_MS) // 1000
    return {key: said[:4] for key, said in kept.values.items() if key[2] <= end_s}


def _cut(line: Line, folder: Path, kept: Kept, rng: random.Random) -> Line:
    how = rng.choice(["snapshot", "kill", "whole"])
    if how == "snapshot":
        line.snapshot()
    abandon(line)
    return line_of(folder, kept, whole=how == "whole")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    return lived(tmp_path_factory.mktemp("undisturbed"), told(), random.Random(0), set())


@given(seed=SEEDS)
@RARELY
def test_no_order_split_repetition_or_cut_shows_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, undisturbed: dict[Any, Any], seed: int
) -> None:
    rng = random.Random(seed)
    away = {device: rng.choice([0, 0, 20 * HOUR_MS, 6 * DAY_MS]) for device in KINDS}
    coming = []
    for time_ms, device, sent in told():
        at_ms = time_ms + away[device] + rng.choice([0, 0, rng.randrange(DAY_MS)])
        coming += [(at_ms, device, sent)] * rng.choice([1, 1, 1, 2])
    rng.shuffle(coming)
    coming.sort(key=lambda one: one[0] // HOUR_MS)
    cuts = set(rng.sample(range(2, 40), 4))
    found = lived(tmp_path_factory.mktemp("disturbed"), coming, rng, cuts)
    different = [key for key in found | undisturbed if found.get(key) != undisturbed.get(key)]
    assert not different, [
        (key, found.get(key), undisturbed.get(key)) for key in sorted(different)[:4]]
    assert len(found) > 1000
    assert len({key[1] for key, said in found.items() if said[1] >= 0}) > 100, "indicators"
