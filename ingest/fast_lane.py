"""The fast lane: scanned messages get their verdicts as columns, without an object each.

Of each scan the readings of the fast shape are judged in one pass; the messages of the general
path are expanded in between, in the order in which all of them came, so that both kinds are
numbered, merged and archived as if there were one path only.
"""

from collections.abc import Iterator
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import QUANTITIES
from edge.verdicts import Verdict
from engine.batch import Batch, concatenate
from engine.kernel import kernel
from engine.series import SERIES
from engine.vitals import HORIZON_NS
from ingest.admission import Admission, Admitted, Opened, Raw, columns
from ingest.clocks import SET, sent_ms
from ingest.intervals import EPOCH, FIRST, LAST
from ingest.judging import FUTURE_MAX_NS
from ingest.messages import Rows
from ingest.publish_frames import Frames
from ingest.scan import MESSAGE, MESSAGES_MAX, Scanned, Scanner

LEARN_MESSAGES = 256
"""Messages of a scan while most are not known. The general path learns their topics and series for
the next scan: 20,000 messages of 1,000 devices, scanned at once, took it two seconds at a start."""
_LIMITS = np.array([(*row.impossible, *row.implausible) for row in QUANTITIES.values()])
"""float64[quantities, 4]: impossible below, above; implausible below, above."""
_APPLIED, _LATE, _TOO_LATE = int(Verdict.APPLIED), int(Verdict.LATE), int(Verdict.TOO_LATE)
_DUPLICATE, _FUTURE = int(Verdict.DUPLICATE), int(Verdict.HELD_FUTURE)
_IMPOSSIBLE = int(Verdict.REFUSED_IMPOSSIBLE)

_i32, _i64, _u8 = nb.int32[::1], nb.int64[::1], nb.uint8[::1]
_messages = nb.from_dtype(MESSAGE)[::1]


@kernel(nb.int64(_messages, nb.int64, nb.int64[:, ::1], nb.boolean[::1], nb.int64[:, ::1], _i32))
def number_messages(
    messages: Any, first: int, runs: Any, again: Any, told: Any, stamp: Any
) -> Any:
    """Take in the numbers of fast messages from `first` on; returns which one is not for it.

    That is a message of the general path, or one whose number is neither the next of its device
    nor of its newest interval; len(messages) at the end. runs: as `ingest.intervals.Seen`, `LAST`
    moves on. again: bool[messages], out, came before. told: int64[messages + 1, 2], devices and
    epochs of QoS 1 messages; row 0: how many. stamp: int32[devices], where in `told` a device is.
    O(1) a message.
    """
    for k in range(first, messages.shape[0]):
        one = messages[k]
        if one.rows == 0:
            return k
        run = runs[one.device]
        if run[LAST] == 0 or run[EPOCH] != one.epoch:
            return k
        if one.number == run[LAST] + 1:
            run[LAST] = one.number
        elif run[FIRST] <= one.number <= run[LAST]:
            again[k] = True
        else:
            return k
        if one.mid > 0:
            at = stamp[one.device]
            count = told[0, 0]
            if not (0 < at <= count and told[at, 0] == one.device and told[at, 1] == one.epoch):
                count += 1
                told[count, 0] = one.device
                told[count, 1] = one.epoch
                told[0, 0] = count
                stamp[one.device] = count
    return messages.shape[0]


@kernel(nb.int64(
    _messages, nb.boolean[::1], nb.int64, _i32, _i32, _i64, nb.float64[::1],
    nb.from_dtype(SERIES)[::1], _i32, _u8, _i32, _i64, _i64, _u8, nb.boolean[::1],
))
def judge_rows(
    messages: Any, again: Any, received_ns: int, message: Any, quantity: Any, time_ns: Any,
    value: Any, table: Any, slot: Any, flag: Any, device: Any, epoch: Any, seq: Any,
    verdict: Any, told: Any,
) -> int:
    """Judge the readings of fast messages in one pass, by the rules of `Admission.finish`.

    messages, message, quantity, time_ns, value: as scanned. again: bool[messages]. received_ns:
    Unix ns. table: SERIES[series]. slot, flag: as scanned, in and out. device: int32, epoch, seq:
    int64, verdict: uint8, told: bool (its time is that of a clock that is set), all [n], out.
    Returns how many are to be kept aside. O(1) a reading.
    """
    aside = 0
    for k in range(message.shape[0]):
        one = messages[message[k]]
        device[k] = one.device
        epoch[k] = one.epoch
        seq[k] = one.number
        told[k] = False
        if again[message[k]]:
            verdict[k] = _DUPLICATE
            slot[k] = -1
            continue
        limit = _LIMITS[quantity[k]]
        x = value[k]
        if flag[k] == 0:
            flag[k] = 1
        if (x < limit[2] or x > limit[3]) and flag[k] <= 2:
            flag[k] = 3
        found = _APPLIED
        if x < limit[0] or x > limit[1]:
            found = _IMPOSSIBLE
            aside += 1
        else:
            told[k] = True
            if time_ns[k] > received_ns + FUTURE_MAX_NS:
                found = _FUTURE
                aside += 1
            elif time_ns[k] < received_ns - HORIZON_NS:
                found = _TOO_LATE
            elif slot[k] < table.shape[0] and time_ns[k] < table[slot[k]].closed_ns:
                found = _LATE
        if found > _LATE:
            slot[k] = -1
        verdict[k] = found
    return aside


class FastLane:
    """Admits what was scanned; shares its state with the general path of `admission`."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._scanner = Scanner(admission.known)
        self._stamp = np.zeros(0, np.int32)
        self._most = LEARN_MESSAGES

    def batches(self, frames: Frames, received_ns: int) -> Iterator[Admitted]:
        """Scan frames and admit them, as many at a time as the scanner takes."""
        at = 0
        while at < len(frames.data):
            scanned, at = self._scanner.scan(frames, at, self._most)
            strange = np.count_nonzero(scanned.messages["rows"] == 0)
            few = 2 * strange > len(scanned.messages)
            self._most = LEARN_MESSAGES if few else min(2 * self._most, MESSAGES_MAX)
            yield self.admit(scanned, received_ns)

    def admit(self, scanned: Scanned, received_ns: int) -> Admitted:
        """Give every reading its verdict, as `Admission.admit` does; the same comes out."""
        admission = self._admission
        out = Admitted(_empty(received_ns))
        rows, opened, again = self._number(scanned, received_ns, out)

        def of(i: int) -> Opened:
            if i not in opened:
                received = scanned.received(i)
                opened[i] = admission.open(received, received_ns)
            return opened[i]

        fast, told, aside = self._judge(scanned, again, received_ns)
        if not len(rows):
            out.batch = fast
            if aside:
                quantity = np.where(again[scanned.message], -1, scanned.quantity).astype(np.int64)
                none: Any = np.zeros(0, np.int64)
                admission.set_aside(Raw(
                    fast, quantity, scanned.message.astype(np.int64), none, none, none, of
                ), out)
            admission.clocks.watch(
                fast.device, fast.time_ns, np.full(len(fast), received_ns), told
            )
            return out
        self._with_general(scanned, again, rows, received_ns, out, of)
        return out

    def _number(
        self, scanned: Scanned, received_ns: int, out: Admitted
    ) -> tuple[Rows, dict[int, Opened], npt.NDArray[np.bool_]]:
        """Number all messages in order, and expand those of the general path."""
        admission, messages = self._admission, scanned.messages
        seen, devices = admission.seen, len(admission.vitals.registry.devices)
        seen.fit(devices)
        if len(self._stamp) < devices:
            self._stamp = np.zeros(2 * devices, np.int32)
        rows, opened = Rows(), {}
        again = np.zeros(len(messages), np.bool_)
        told = np.zeros((len(messages) + 1, 2), np.int64)
        k = 0
        while True:
            k = number_messages(messages, k, seen.runs, again, told, self._stamp)
            if k == len(messages):
                break
            one = messages[k]
            if one["rows"]:
                which = (int(one["device"]), int(one["epoch"]), int(one["number"]))
                again[k] = seen.has(*which)
                if not again[k]:
                    seen.add(*which, which[2])
                if one["mid"]:
                    out.acks.add(which[:2])
            else:
                received = scanned.received(k)
                opened[k] = admission.open(received, received_ns)
                ids = admission.take(rows, k, opened[k], out, False)
                one["device"], one["epoch"], one["number"] = ids
            k += 1
        out.acks.update(map(tuple, told[1 : 1 + told[0, 0]].tolist()))
        return rows, opened, again

    def _judge(
        self, scanned: Scanned, again: npt.NDArray[np.bool_], received_ns: int
    ) -> tuple[Batch, npt.NDArray[np.bool_], int]:
        """The fast readings as a batch, which of them tell of clocks, how many go aside."""
        count = len(scanned.value)
        fast = Batch(
            scanned.slot.copy(), scanned.time_ns.copy(), scanned.value.copy(),
            scanned.flag.copy(), np.empty(count, np.int32), np.empty(count, np.int64),
            np.empty(count, np.int64), np.empty(count, np.uint8), received_ns,
        )
        told = np.empty(count, np.bool_)
        aside = judge_rows(
            scanned.messages, again, received_ns, scanned.message, scanned.quantity,
            scanned.time_ns, scanned.value, self._admission.vitals.series.table, fast.slot,
            fast.flag, fast.device, fast.epoch, fast.seq, fast.verdict, told,
        )
        return fast, told, aside

    def _with_general(
        self, scanned: Scanned, again: npt.NDArray[np.bool_], rows: Rows, received_ns: int,
        out: Admitted, of: Any,
    ) -> None:
        """Put fast readings and those of the general path in order, and judge them together."""
        messages, message = scanned.messages, scanned.message
        fast = Batch(
            scanned.slot.copy(), scanned.time_ns, scanned.value, scanned.flag,
            messages["device"][message], messages["epoch"][message], messages["number"][message],
            np.where(again[message], _DUPLICATE, _APPLIED).astype(np.uint8), received_ns,
        )
        general = np.array(rows.message, np.int64)
        ids = np.stack([messages[name][general] for name in ("device", "epoch", "number")], axis=1)
        both = concatenate([fast, columns(rows, ids.astype(np.int64), out, received_ns)])
        at = np.concatenate([message.astype(np.int64), general])
        quantity = np.concatenate([
            np.where(again[message], -1, scanned.quantity).astype(np.int64),
            np.array(rows.quantity, np.int64),
        ])
        sent = np.array([sent_ms(of(i).content) for i in rows.message], np.int64)
        sent = np.concatenate([np.full(len(message), SET), sent])
        order = np.argsort(at, kind="stable")
        # A message of ours says its channel itself.
        channel = np.array([""] * len(message) + rows.channel, object)
        self._admission.finish(Raw(
            both.take(order), quantity[order], at[order], np.full(len(at), received_ns),
            sent[order], channel[order], of,
        ), out, False)


def _empty(received_ns: int) -> Batch:
    none: Any = np.zeros(0)
    return Batch(none, none, none, none, none, none, none, none, received_ns)
