"""On what a figure was measured: the processor and the commit."""

import os
import platform
import subprocess
from pathlib import Path


def machine() -> str:
    """One line: processor, cores, Python, commit."""
    model = platform.processor() or "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [row.split(":", 1)[1].strip() for row in info.read_text().splitlines()
                 if row.startswith("model name")]
        model = names[0] if names else model
    commit = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"],
        capture_output=True, text=True, check=False,
    ).stdout.strip() or "no commit"
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {commit}"
