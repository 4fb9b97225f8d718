"""The configuration of a running ingest: a changed file is taken whole, or refused whole.

Looked at once a second and on SIGHUP. Keys of `LIVE` take effect at once; a change of any other
needs a restart, and then nothing of the file is taken.
"""

import logging
import time
from pathlib import Path
from typing import Any

import msgspec

from edge.settings import SettingsError, load
from ingest.in_force import Rules
from ingest.settings_ingest import IngestSettings

log = logging.getLogger(__name__)

LIVE = ("grace_s", "k", "open_every_s", "snapshot_every_s", "keep_points_days")
"""Keys that a running ingest can change."""


def rules_of(settings: IngestSettings) -> Rules:
    """What of the settings decides results."""
    return Rules(settings.grace_s, settings.k, receipts=settings.clock == "wall")


class LiveSettings:
    """The settings in force, and the file they came from (None: it is not watched)."""

    def __init__(self, settings: IngestSettings, path: Path | None = None) -> None:
        self.settings = settings
        self.error = ""
        self.since_ms = time.time_ns() // 1_000_000
        self._path = path
        self._seen = self._stat()
        self._asked = False

    def ask(self) -> None:
        """Read the file at the next `look`, changed or not."""
        self._asked = True

    def look(self) -> bool:
        """True if a change has come into force since the last call."""
        seen = self._stat()
        if self._path is None or (seen == self._seen and not self._asked):
            return False
        self._seen, self._asked = seen, False
        try:
            fresh = load(self._path, IngestSettings)
            changed = _changed(self.settings, fresh)
            fixed = [key for key in changed if key not in LIVE]
            if fixed:
                raise SettingsError(
                    f"{self._path}: key {fixed[0]} needs a restart; nothing of the file is taken"
                )
        except SettingsError as error:
            self.error = str(error)
            log.error("the configuration is unchanged: %s", error)
            return False
        self.error = ""
        if not changed:
            return False
        self.settings = fresh
        self.since_ms = time.time_ns() // 1_000_000
        log.info("configuration: %s in force", ", ".join(
            f"{key} = {getattr(fresh, key)}" for key in changed
        ))
        return True

    def status(self) -> dict[str, Any]:
        """For the health object: since when it is in force, and why a change is not."""
        return {"since_ms": self.since_ms, "error": self.error}

    def _stat(self) -> tuple[int, int, int]:
        if self._path is None:
            return (0, 0, 0)
        try:
            stat = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _changed(old: IngestSettings, new: IngestSettings) -> list[str]:
    """Keys that differ, those of tables with their table."""
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    return [key for key in after if before[key] != after[key]]
