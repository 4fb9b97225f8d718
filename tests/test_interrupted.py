"""Interruptions through the line: archived, in snapshots, replayed, restated on the record."""

from dataclasses import replace
from pathlib import Path

from edge import wire
from ingest.line import Line
from tests.line_city import (
    MS,
    START_MS,
    Kept,
    abandon,
    line_of,
    message,
    row,
    write_places,
)

HOUR_MS = 3_600_000


def report(line: Line, number: int, end_ms: int | None, *, kind: str = "interruption") -> None:
    """Of device d1, begun an hour after the start."""
    begin = START_MS + HOUR_MS
    body = wire.encode_event(1, number, kind, "x", begin, end_ms=end_ms, customers=5, step=2)
    now_ms = end_ms or begin + 1000
    line.take([message("d1", body, now_ms)], now_ms * MS)


def folder_of(tmp_path: Path) -> Path:
    """A data folder with a feeder of ten customers."""
    write_places(tmp_path / "places.csv", [replace(row("d1", "s1"), customers=10)])
    return tmp_path


def test_they_stand_after_a_kill_after_a_snapshot_and_from_the_archive(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    line = line_of(folder)
    report(line, 1, None)
    report(line, 2, START_MS + 2 * HOUR_MS, kind="incident")
    dumped = line.vitals.interruptions.dump()
    assert [row[2:] for row in dumped["rows"]] == [[2, START_MS + HOUR_MS, 1 << 62, 5, False]]
    abandon(line)
    line = line_of(folder)
    assert line.vitals.interruptions.dump() == dumped
    line.close()
    line = line_of(folder)
    assert line.vitals.interruptions.dump()["rows"] == dumped["rows"]
    report(line, 3, START_MS + 3 * HOUR_MS)
    dumped = line.vitals.interruptions.dump()
    line.close()
    line = line_of(folder, whole=True)
    assert line.vitals.interruptions.dump()["rows"] == dumped["rows"]
    line.close()


def test_a_replay_says_what_was_said(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    live, again = Kept(), Kept()
    line = line_of(folder, live)
    report(line, 1, None)
    for day in (1, 2):
        line.tick((START_MS + day * 86_400_000) * MS, with_open=False)
    report(line, 2, START_MS + 2 * 86_400_000 + HOUR_MS)
    line.tick((START_MS + 2 * 86_400_000 + 2 * HOUR_MS) * MS, with_open=False)
    line.close()
    line_of(folder, again, whole=True).close()
    assert live.values
    assert again.values == live.values
    assert {value[-1] for value in live.values.values()} == {2}
