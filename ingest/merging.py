"""Merging: of several readings of one series and time one stands, whatever order they came in.

The reading with the highest epoch and message number stands. One with the same value and flag as
the one that stands is a `duplicate`; one with another value and a lower number is a `conflict`
and does not count; one with a higher number takes the place of the one before, which becomes a
conflict itself. Within one message the later reading stands. Publishers without numbers have
number 0: what they told before of a series and time is a duplicate, even if it has lost.

That a reading has lost that was counted before is an archive row behind those of the batch:
verdict 255 as of all rows that are no reading, the series, time, value and message number of the
reading, `device` -2 - its device, `epoch` when it was received, and `flag` plus 128 if it had
been late. So a replay of the archive takes it out of the panes at the same place.
"""

import logging
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.verdicts import Verdict
from engine.batch import Batch, concatenate
from engine.judge import GAP_NS
from engine.panes import REGISTER
from engine.repeats import Keys, suspects
from engine.retraction import counts, span_ns
from engine.vitals import Vitals
from ingest.clocks import NO_READING
from ingest.recall import ALL_NS, RECENT_MAX, Past, Recall, Rows, admitted, joined

log = logging.getLogger(__name__)

WAS_LATE = 128
"""Added to the flag of a lost reading that had been counted late."""
_DEVICE_FROM = -2
_TOLD = frozenset({Verdict.APPLIED, Verdict.LATE, Verdict.DUPLICATE, Verdict.CONFLICT})

Number = tuple[int, int]
Content = tuple[float, int]
Old = tuple[Rows, int]
"""An earlier reading: rows that were admitted, and which of them."""


class Lost(NamedTuple):
    """Readings of a batch's archive rows that had been counted and lost.

    rows: int64[k]. device: int32[k]. received_ns: int64[k], of the record that counted it. late:
    bool[k], whether it was counted late.
    """

    rows: npt.NDArray[np.intp]
    device: npt.NDArray[np.int32]
    received_ns: npt.NDArray[np.int64]
    late: npt.NDArray[np.bool_]


def lost_of(batch: Batch) -> Lost:
    """The rows of a batch that say that an earlier reading has lost."""
    rows = np.nonzero((batch.verdict == NO_READING) & (batch.slot >= 0))[0]
    return Lost(
        rows, (_DEVICE_FROM - batch.device[rows]).astype(np.int32), batch.epoch[rows],
        batch.flag[rows] >= WAS_LATE,
    )


def move_lost(totals: npt.NDArray[np.int64], batch: Batch) -> None:
    """Readings that lost are no more `applied` or `late`, but `conflict`; int64[256], in place."""
    late = lost_of(batch).late
    totals[Verdict.APPLIED] -= int((~late).sum())
    totals[Verdict.LATE] -= int(late.sum())
    totals[Verdict.CONFLICT] += len(late)


@dataclass(slots=True)
class _Standing:
    """The reading that stands at one series and time, and all contents that were told of it."""

    content: Content
    number: Number
    row: int
    old: Old | None
    told: set[Content] = field(default_factory=set)


class Merging:
    """Finds repeats in batches, and takes out of the state of a city what lost."""

    def __init__(self, vitals: Vitals, past: Past, recent_max: int = RECENT_MAX) -> None:
        """`past` finds earlier readings: all that were archived before it is asked."""
        self.vitals = vitals
        self.past = past
        self.recall = Recall(past, recent_max)
        self._waiting: dict[tuple[int, int, int], list[Batch]] = {}

    def forget(self) -> None:
        """Look for earlier readings in the archive alone: what is remembered is not true any more.
        """
        self.recall = Recall(self.past, self.recall.recent_max, ALL_NS)

    def resume(self) -> None:
        """After a replay: what came until now is in the archive alone."""
        self.refold(self.past)
        self.recall.forgotten_ns = ALL_NS

    def settle(
        self, batch: Batch, repeats: npt.NDArray[np.int32] | None = None
    ) -> Batch:
        """Give repeats among the counted readings of a batch their verdict, in place.

        Returns the batch, with a row behind it for each reading that was counted before and has
        lost. `repeats`: the rows that may be repeats, if that is known.
        """
        self.vitals.fit()
        if repeats is None:
            repeats = suspects(batch, self.vitals.series.table)
        if not len(repeats):
            return batch
        keys = Keys(batch.slot[repeats], batch.time_ns[repeats])
        counted = np.nonzero((batch.slot >= 0) & (batch.verdict <= Verdict.LATE))[0]
        found, key = keys.match(batch.slot[counted], batch.time_ns[counted])
        here = counted[found]
        standing = self._standing(keys, key[batch.seq[here] == 0])
        alone = np.bincount(key, minlength=len(keys)) == 1
        alone[list(standing)] = False
        lost: list[Old] = []
        for k in np.nonzero(~alone[key])[0].tolist():
            _contest(batch, int(here[k]), int(key[k]), standing, lost)
        if not lost:
            return batch
        return concatenate([batch, _lost_rows(lost)])

    def _standing(
        self, keys: Keys, unnumbered: npt.NDArray[np.int32]
    ) -> dict[int, _Standing]:
        """What stands at each key from earlier batches."""
        full = keys.occupied(self.vitals.panes, self.vitals.registry)
        if not full.any():
            return {}
        recent = list(self.recall.recent(keys))
        ask = full.copy()
        for rows, key in recent:
            ask[key[rows.batch.verdict <= Verdict.LATE]] = False
        ask[unnumbered] = full[unnumbered]
        asked = np.nonzero(ask)[0].astype(np.int32)
        found: dict[int, _Standing] = {}
        for rows, key in (*self.recall.older(keys, asked), *recent):
            for k, of in enumerate(key.tolist()):
                _history(rows, k, of, found)
        return {of: one for of, one in found.items() if one.old is not None}

    def apply(self, batch: Batch) -> None:
        """Fold a settled batch, which is archived, into the state, and take out what lost."""
        self.fold(batch)
        self.recall.remember(admitted(batch))
        self.refold(self.past)

    def fold(self, batch: Batch) -> None:
        """As `apply`, in a replay: what cannot be subtracted waits for `refold`."""
        self.vitals.delivered(batch)
        counted = (batch.slot >= 0) & (batch.verdict <= Verdict.LATE)
        if counted.all():
            self.vitals.apply(batch)
            return
        applied = batch.take(counted)
        self.vitals.apply(applied)
        lost = lost_of(batch)
        if not len(lost.rows):
            return
        old = batch.take(lost.rows)
        old.flag[lost.late] -= WAS_LATE
        whole = self._not_additive(old, applied)
        self.vitals.retract(old.take(~whole))
        old = old.take(whole)
        for k, (slot, time_ns) in enumerate(zip(
            old.slot.tolist(), old.time_ns.tolist(), strict=True
        )):
            day = (slot, *span_ns(slot, time_ns, self.vitals.registry))
            self._waiting.setdefault(day, []).append(old.take(np.array([k])))

    def _not_additive(self, old: Batch, applied: Batch) -> npt.NDArray[np.bool_]:
        """Which lost readings cannot be subtracted: of registers, or where none takes the place."""
        quantity = self.vitals.registry.quantity
        keys = Keys(old.slot, old.time_ns)
        row, key = keys.match(applied.slot, applied.time_ns)
        instead = np.zeros(len(keys), np.bool_)
        instead[key] = counts(
            quantity[applied.slot[row]], applied.value[row], applied.flag[row]
        )
        _, key = keys.match(old.slot, old.time_ns)
        out: npt.NDArray[np.bool_] = (quantity[old.slot] == REGISTER) | ~instead[key]
        return out & counts(quantity[old.slot], old.value, old.flag)

    def refold(self, past: Past) -> None:
        """Fold anew the days of series that lost what cannot be subtracted, or must be judged anew.

        `past` must know all that was folded, and nothing more.
        """
        waiting, self._waiting = self._waiting, {}
        unsettled = self.vitals.judge.unsettled
        for slot, first_ns in sorted(unsettled):
            waiting.setdefault((slot, *span_ns(slot, first_ns, self.vitals.registry)), [])
        for (slot, first_ns, end_ns), lost in waiting.items():
            around = past(np.array([slot], np.int32), first_ns - GAP_NS, end_ns + GAP_NS)
            rows = standing_rows(around.batch)
            if not self.vitals.refold(slot, first_ns, rows, len(lost)) and lost:
                log.error("the archive does not hold all readings of series %d of the day at "
                          "%d ns: what lost there is subtracted", slot, first_ns)
                self.vitals.retract(concatenate(lost))
        unsettled.clear()


def standing_rows(batch: Batch) -> Batch:
    """Of rows in the order of the archive those that count: the last one of each time."""
    batch = batch.take(batch.verdict <= Verdict.LATE)
    _, last = np.unique(batch.time_ns[::-1], return_index=True)
    return batch.take(len(batch) - 1 - last)


def _history(rows: Rows, k: int, key: int, found: dict[int, _Standing]) -> None:
    """Take in one earlier row of a key, in the order of the archive."""
    batch = rows.batch
    verdict = int(batch.verdict[k])
    if verdict not in _TOLD:
        return  # a row that is no reading; what lost was told before by one of its own
    content, number = _content(batch, k), _number(batch, k)
    one = found.get(key)
    if one is None:
        one = found[key] = _Standing(content, number, -1, None)
    one.told.add(content)
    if verdict <= Verdict.LATE:
        if content != one.content or one.old is None:
            one.number = number
        one.content, one.old = content, (rows, k)
    if content == one.content:
        one.number = max(one.number, number)


def _contest(
    batch: Batch, row: int, key: int, standing: dict[int, _Standing], lost: list[Old]
) -> None:
    """Hold one reading of a batch against what stands at its series and time."""
    content, number = _content(batch, row), _number(batch, row)
    one = standing.get(key)
    if one is None:
        standing[key] = _Standing(content, number, row, None, {content})
        return
    if content == one.content or (number[1] == 0 and content in one.told):
        batch.verdict[row] = Verdict.DUPLICATE
        if content == one.content:
            one.number = max(one.number, number)
    elif number < one.number:
        batch.verdict[row] = Verdict.CONFLICT
    else:
        if one.old is not None:
            lost.append(one.old)
        else:
            batch.verdict[one.row] = Verdict.CONFLICT
        one.content, one.number, one.row, one.old = content, number, row, None
    one.told.add(content)


def _content(batch: Batch, row: int) -> Content:
    return float(batch.value[row]), int(batch.flag[row])


def _number(batch: Batch, row: int) -> Number:
    return int(batch.epoch[row]), int(batch.seq[row])


def _lost_rows(lost: list[Old]) -> Batch:
    """The archive rows that say that readings have lost."""
    together: dict[int, tuple[Rows, list[int]]] = {}
    for rows, k in lost:
        together.setdefault(id(rows), (rows, []))[1].append(k)
    parts = joined([rows.take(np.array(which)) for rows, which in together.values()])
    out = parts.batch
    out.flag[out.verdict == Verdict.LATE] += WAS_LATE
    out.device[:] = _DEVICE_FROM - out.device
    out.epoch[:] = parts.received_ns
    out.verdict[:] = NO_READING
    out.received_ns = 0
    return out
