"""From event messages to the engine: the interruptions among them."""

from collections.abc import Sequence

from engine.interruptions import Interruption
from engine.vitals import Vitals
from ingest.messages import Event

KIND = "interruption"


def interrupt(events: Sequence[Event], vitals: Vitals) -> None:
    """Let the interruptions among some events stand, in their order."""
    found = [
        Interruption(row.source.device, row.id, row.start_ms, row.end_ms, row.customers, row.step,
                     row.again)
        for row in events if row.kind == KIND
    ]
    if found:
        vitals.interrupted(found)
