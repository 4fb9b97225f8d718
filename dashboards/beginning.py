"""How far the past of a city is that is computed before it goes live, for the page to say.

The program that lives it writes a share from 0 to 1 into a file of the data folder; what is not
renewed any more, or stays behind when that program is killed, counts for nothing.
"""

import math
import os
from pathlib import Path

FILE = "past.progress"
SILENT_MS_MAX = 60_000
"""A past takes seconds and says each percent; on a busy Raspberry Pi one may take half a minute."""


def tell(folder: Path, done: float) -> None:
    """Write how far the past is; 1 is said once, and grows old while ingest begins."""
    beside = folder / f"{FILE}.new"
    beside.write_text(f"{done:.3f}\n", encoding="ascii")
    os.replace(beside, folder / FILE)


def told(folder: Path, wall_ms: int, heard_ms: int = 0) -> float | None:
    """The share that is computed, None if nobody computes a past there now.

    heard_ms: when ingest last gave word; a past that was told before is over.
    """
    path = folder / FILE
    try:
        told_ms = path.stat().st_mtime_ns // 1_000_000
        done = float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    if abs(wall_ms - told_ms) > SILENT_MS_MAX or told_ms <= heard_ms or not math.isfinite(done):
        return None
    return min(max(done, 0.0), 1.0)
