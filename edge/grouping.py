"""How samples become messages: what was measured at one time travels together."""

from collections.abc import Callable, Sequence

from edge import wire
from edge.driver import Sample
from edge.quantities import QUANTITIES

BLOCK_SAMPLES_MAX = 256
Encoder = Callable[[int, int], bytes]
"""Gives the payload of a message when told its epoch and number."""


def encoders(samples: Sequence[Sample]) -> list[Encoder]:
    """One message for all plain samples of one time, one for each other sample, in order.

    A sample is plain if it has the canonical unit, no channel and no flag.
    """
    blocks: dict[tuple[int, int | None, int], dict[str, float]] = {}
    singles: list[Encoder] = []
    for sample in samples:
        if sample.channel is not None or sample.flag is not None or not _is_canonical(sample):
            singles.append(_single(sample))
            continue
        part = 0
        while True:
            block = blocks.setdefault((sample.time_ms, sample.received_ms, part), {})
            if sample.quantity not in block and len(block) < BLOCK_SAMPLES_MAX:
                block[sample.quantity] = sample.value
                break
            part += 1
    return [_block(*key[:2], block) for key, block in blocks.items()] + singles


def _is_canonical(sample: Sample) -> bool:
    row = QUANTITIES.get(sample.quantity)
    return sample.unit is None or (row is not None and sample.unit == row.unit)


def _single(sample: Sample) -> Encoder:
    def encode(epoch: int, number: int) -> bytes:
        return wire.encode_single(
            epoch, number, sample.quantity, sample.time_ms, sample.value, unit=sample.unit,
            channel=sample.channel, flag=sample.flag, received_ms=sample.received_ms,
        )

    return encode


def _block(time_ms: int, received_ms: int | None, values: dict[str, float]) -> Encoder:
    if len(values) == 1:
        [(quantity, value)] = values.items()
        return _single(Sample(quantity, time_ms, value, received_ms=received_ms))

    def encode(epoch: int, number: int) -> bytes:
        return wire.encode_device_block(epoch, number, time_ms, values, received_ms=received_ms)

    return encode


def clock(received_ms: int) -> Encoder:
    """A message that only moves the clock of a recording."""
    return lambda epoch, number: wire.encode_clock(epoch, number, received_ms)


def interruption(event_id: str, start_ms: int, end_ms: int, customers: int) -> Encoder:
    """An interruption of supply that is over, with the customers that it left without."""
    return lambda epoch, number: wire.encode_event(
        epoch, number, "interruption", event_id, start_ms, end_ms=end_ms, customers=customers
    )
