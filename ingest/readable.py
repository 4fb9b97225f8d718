"""What of a damaged archive may be replayed.

Batches name series and devices by number, and numbers follow from the order in which they were
archived: where a record that gave some out is lost, those after it would pass for others. The
next segment begins with all of them, so they are taken from there; if there is none, the rest of
the segment is passed over, and counted.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.verdicts import Verdict
from ingest.archive import BATCHES, Kind, Position, Record, read, words_of
from ingest.inbox import Inbox
from ingest.resync import Damage

log = logging.getLogger(__name__)

LOSSES_MAX = 100
"""Losses that are named; those after them are in the log alone."""
LISTS = ("keys", "devices", "series")
Sizes = Callable[[], tuple[int, int, int]]
"""How many places, devices and series are known now."""


class Readable:
    """The records of the archive in `folder` that may be replayed; `losses` names the others."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.losses: list[str] = []
        self._folder = folder
        self._sizes = sizes
        self._broken = ""

    def records(self, after: Position | None) -> Iterator[Record]:
        """All records behind a position; the registry must be kept up with them."""
        closed, hidden = "", Damage("", 0, 0, 0, 0, 0, 0)
        for record in read(self._folder, after, self._note):
            segment = record.end.segment
            if segment == closed:
                rows = record.count if record.kind in BATCHES else 0
                hidden = hidden._replace(
                    last=record.end.offset, records=hidden.records + 1, rows=hidden.rows + rows)
                continue
            self._tell(hidden)
            hidden = Damage("", 0, 0, 0, 0, 0, 0)
            if segment == self._broken and not self._joins(record):
                more = self._registry_behind(segment)
                yield from more
                if not more or not self._joins(record):
                    closed = segment
                    hidden = Damage(segment, record.end.offset, record.end.offset, 1,
                                    record.count if record.kind in BATCHES else 0,
                                    record.received_ns, 0)
                    continue
            yield record
        self._tell(hidden)

    def _note(self, damage: Damage) -> None:
        self._broken = damage.segment
        if len(self.losses) < LOSSES_MAX:
            self.losses.append(words_of(damage))

    def _tell(self, hidden: Damage) -> None:
        if hidden.records:
            self._note(hidden)
            log.error("%s: series were named in what is damaged", words_of(hidden))

    def _joins(self, record: Record) -> bool:
        """True if all that a record refers to is known."""
        sizes = self._sizes()
        if record.kind in BATCHES:
            batch = record.batch()
            return bool(batch.slot.max(initial=-1) < sizes[2]
                        and batch.device.max(initial=-1) < sizes[1])
        if record.kind != Kind.REGISTRY:
            return True
        more: dict[str, Any] = record.json()
        first = more.get("from")
        if first is None:  # archives before 0.2 do not say
            return not any(more[name] for name in LISTS)
        return all(begin <= size or not more[name]
                   for name, begin, size in zip(LISTS, first, sizes, strict=True))

    def _registry_behind(self, segment: str) -> list[Record]:
        """The registry that the next segment begins with."""
        found: list[Record] = []
        for record in read(self._folder, Position(f"{segment}~", 0)):
            if record.kind == Kind.REGISTRY:
                found.append(record)
            elif record.kind in BATCHES or record.kind == Kind.TICK:
                break
        return found


def lost_with(inbox: Inbox, counts: npt.NDArray[np.int64]) -> list[str]:
    """What was held in an inbox that is gone; it becomes `dropped_held`."""
    held = int(counts[Verdict.HELD_UNKNOWN] + counts[Verdict.HELD_FUTURE])
    if held <= 0 or not inbox.is_empty:
        return []
    words = f"inbox: {held:,} readings that were held are lost with it"
    log.error("%s", words)
    return [words]
