"""What a window of receipt is explained from: all that was received in it, whatever its time."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edge.verdicts import Verdict
from engine.batch import Batch
from engine.vitals import HORIZON_NS
from ingest.archive_scan import Wish, batch_of
from ingest.judging import FUTURE_MAX_NS
from ingest.listed import list_all

if TYPE_CHECKING:
    from ingest.reconstruct import Reconstruction

_DAY_NS = 86_400 * 1_000_000_000


def wish_of(since_ns: int, before_ns: int) -> Wish:
    """All readings received from `since_ns` and before `before_ns`."""
    return Wish(
        np.array([since_ns - HORIZON_NS - _DAY_NS, before_ns + FUTURE_MAX_NS], np.int64),
        np.array([since_ns, before_ns - 1], np.int64),
    )


def take(built: "Reconstruction", rows: npt.NDArray[Any], start_ns: int) -> None:
    """Count rows as they were when they came; what came from `start_ns` on is listed, too.

    What came before it tells which readings are out of order, and what a spike stands out from.
    """
    registry = built.vitals.registry
    slot = np.where(rows["slot"] >= 0, built.slot_of[rows["slot"]], -1).astype(np.int32)
    batch = batch_of(rows, slot)
    numbers = np.array([registry.device(name) for name in built.known.devices], np.int32)
    device = np.where(rows["device"] >= 0, numbers[rows["device"]], -1).astype(np.int32)
    columns = {name: getattr(batch, name) for name in ("time_ns", "value", "flag", "epoch", "seq",
                                                       "verdict")}
    whole = Batch(
        slot=slot, device=device, **columns, received_ns=batch.received_ns,
        each_received_ns=np.ascontiguousarray(rows["received_ns"]),
    )
    built.vitals.delivered(whole)
    counted = (slot >= 0) & (whole.verdict <= Verdict.LATE)
    built.vitals.apply(whole.take(counted))
    inside = counted & (rows["received_ns"] >= start_ns)
    if built.listing:
        list_all(built.listed, rows, slot, inside)
