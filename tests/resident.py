"""Memory of a process as the kernel counts it, and whether it stays flat."""

import os
from collections.abc import Sequence
from pathlib import Path

WARM = 0.25
"""Share of the samples in which caches and rings may still fill."""
GROWTH_MAX = 0.1
SPARE_MB = 16.0
"""Growth that is no leak: what an allocator keeps for later."""


def resident_mb(pid: int) -> float:
    """Resident size of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def growth_mb(samples: Sequence[float]) -> float:
    """How much the last quarter of the samples lies above the first one after warming up.

    Medians: one sample taken in the midst of a snapshot says nothing.
    """
    warm = list(samples[int(len(samples) * WARM):])
    quarter = max(1, len(warm) // 4)
    return _median(warm[-quarter:]) - _median(warm[:quarter])


def is_flat(samples: Sequence[float]) -> bool:
    """True if the process did not grow beyond what an allocator keeps."""
    return growth_mb(samples) <= SPARE_MB + GROWTH_MAX * min(samples)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
