"""Rows beyond the bound are told by name, and only those."""

from dataclasses import replace

from engine.registry import DATED_MAX, Registry
from ingest.many_rows import taken_as_one
from tests.line_city import row


def test_only_devices_beyond_the_bound_are_told() -> None:
    registry = Registry()
    registry.load_places([
        *(replace(row("d1", "s1"), valid_from_ms=k * 86_400_000, period_s=k + 1.0)
          for k in range(DATED_MAX + 2)),
        *(replace(row("d2", "s2"), valid_from_ms=k * 86_400_000, period_s=k + 1.0)
          for k in range(DATED_MAX)),
        *(replace(row("d3", "s3"), valid_from_ms=k * 86_400_000, note=str(k))
          for k in range(DATED_MAX + 2)),
    ])
    [line] = taken_as_one(registry)
    assert line.startswith(f"d1 has {DATED_MAX + 2} rows")
    assert "of the 3 oldest" in line
