"""The progress of a past: what is told, what grows old, and what is no number."""

import os
import time
from pathlib import Path

import pytest

from dashboards import beginning


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def test_what_is_told_is_read_until_it_is_old(tmp_path: Path) -> None:
    assert beginning.told(tmp_path, wall_ms()) is None
    beginning.tell(tmp_path, 0.3701)
    beginning.tell(tmp_path, 0.38)
    assert beginning.told(tmp_path, wall_ms()) == 0.38
    path = tmp_path / beginning.FILE
    written_ms = path.stat().st_mtime_ns // 1_000_000
    assert beginning.told(tmp_path, written_ms + beginning.SILENT_MS_MAX) == 0.38
    assert beginning.told(tmp_path, written_ms + beginning.SILENT_MS_MAX + 1) is None
    assert beginning.told(tmp_path, written_ms, heard_ms=written_ms - 1) == 0.38
    assert beginning.told(tmp_path, written_ms, heard_ms=written_ms) is None, "ingest has begun"
    os.utime(path, (4e9, 4e9))  # of a clock that was set back since
    assert beginning.told(tmp_path, wall_ms()) is None
    assert [file.name for file in tmp_path.iterdir()] == [beginning.FILE]


@pytest.mark.parametrize(("text", "share"), [
    ("", None), ("nan", None), ("half", None), ("1.7", 1.0), ("-1", 0.0), ("ü", None),
])
def test_what_is_no_share_is_not_believed(tmp_path: Path, text: str, share: float | None) -> None:
    (tmp_path / beginning.FILE).write_text(text, encoding="utf-8")
    assert beginning.told(tmp_path, wall_ms()) == share
