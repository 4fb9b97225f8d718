"""A batch: readings as columns, from the socket to the panes without an object each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(slots=True)
class Batch:
    """n readings with one receive time.

    slot: int32[n], series, -1 where no series took it. time_ns: int64[n], Unix ns UTC, event
    time. value: float64[n], canonical unit. flag: uint8[n], QARTOD (1 pass, 2 not evaluated,
    3 suspect, 4 fail, 9 missing). device: int32[n], row of the registry's devices, -1 unknown.
    epoch: int64[n] and seq: int64[n], epoch of the agent and message number. verdict: uint8[n],
    `edge.verdicts.Verdict`. received_ns: Unix ns UTC of the batch, the recording's own on a
    recorded clock. each_received_ns: int64[n], where batches of several times were joined.
    """

    slot: npt.NDArray[np.int32]
    time_ns: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    flag: npt.NDArray[np.uint8]
    device: npt.NDArray[np.int32]
    epoch: npt.NDArray[np.int64]
    seq: npt.NDArray[np.int64]
    verdict: npt.NDArray[np.uint8]
    received_ns: int
    each_received_ns: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.slot)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Batch":
        """The readings at `rows` (indices or mask), same receive time."""
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in DTYPES}
        each = self.each_received_ns
        return Batch(
            **columns, received_ns=self.received_ns,
            each_received_ns=None if each is None else each[rows],
        )


DTYPES: dict[str, type[np.generic]] = {
    "slot": np.int32, "time_ns": np.int64, "value": np.float64, "flag": np.uint8,
    "device": np.int32, "epoch": np.int64, "seq": np.int64, "verdict": np.uint8,
}


def concatenate(parts: list[Batch]) -> Batch:
    """All `parts` as one batch, received when the last of them was."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in DTYPES
    }
    return Batch(**columns, received_ns=max(part.received_ns for part in parts))
