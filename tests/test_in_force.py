"""Rules that decide results: in force by an archive record, also in a replay."""

from pathlib import Path

from ingest.archive import Kind, read
from ingest.in_force import Rules, configure
from tests.line_city import MINUTE_MS, MS, START_MS, Kept, line_of, message, single, write_places


def test_a_replay_goes_by_the_rules_of_its_time(tmp_path: Path) -> None:
    """A window closed after 60 s of grace, then the grace became an hour: so does the replay."""
    write_places(tmp_path / "places.csv")
    live, again, other = Kept(), Kept(), Kept()
    line = line_of(tmp_path, live)
    for k in range(60):
        line.take([message("d1", single(k + 1, time_ms=START_MS + k * MINUTE_MS))],
                  (START_MS + k * MINUTE_MS) * MS)
    line.tick((START_MS + 62 * MINUTE_MS) * MS, with_open=False)
    closed = dict(live.values)
    assert closed
    assert configure(line, Rules(3600), (START_MS + 63 * MINUTE_MS) * MS)
    assert not configure(line, Rules(3600), (START_MS + 64 * MINUTE_MS) * MS)
    line.tick((START_MS + 125 * MINUTE_MS) * MS, with_open=False)
    said = dict(live.values)
    line.close()
    kinds = [record.kind for record in read(tmp_path / "ingest" / "archive")]
    assert kinds[0] == Kind.CONFIGURATION
    assert kinds.count(Kind.CONFIGURATION) == 2
    line = line_of(tmp_path, again, whole=True)
    assert again.values == said
    assert line.rules == Rules(3600)
    line.close()
    line = line_of(tmp_path, other)  # from the snapshot
    assert line.rules == Rules(3600)
    assert line.vitals.grace_s == 3600
    line.close()
