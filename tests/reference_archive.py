"""The compact form of a batch read slowly, from `docs/archive.md` alone."""

import struct

from engine.batch import DTYPES

SIGNED = {"slot": 4, "time_ns": 8, "device": 4, "epoch": 8, "seq": 8}


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.left = data

    def take(self, count: int) -> bytes:
        if len(self.left) < count:
            raise ValueError("the bytes end too early")
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def number(self) -> int:
        digits: list[int] = []
        while not digits or digits[-1] >= 128:
            if len(digits) == 10:
                raise ValueError("a number of more than ten bytes")
            digits.append(self.take(1)[0])
        found = sum((digit & 127) << 7 * k for k, digit in enumerate(digits)) % (1 << 64)
        return -(found + 1) // 2 if found & 1 else found // 2


def _wrapped(number: int, size: int = 8) -> int:
    """The number as one of `size` bytes with a sign holds it."""
    return int.from_bytes((number % (1 << 8 * size)).to_bytes(size, "little"), "little",
                          signed=True)


def decode(body: bytes, count: int) -> bytes | None:
    """The plain columns, None where the kernel must say no too."""
    try:
        return _decode(_Bytes(body), count)
    except ValueError:
        return None


def _decode(data: _Bytes, count: int) -> bytes:
    unit = {0: 1, 1: 1_000_000}.get(data.take(1)[0])
    if unit is None:
        raise ValueError("neither milliseconds nor nanoseconds")
    rows: dict[str, list[bytes]] = {name: [] for name in DTYPES}
    now = dict.fromkeys(SIGNED, 0)
    step, marks, decimals, digits = 0, b"\1\0", 1, 0
    for _ in range(count):
        told = data.take(1)[0]
        for bit, name in enumerate(("slot", "device", "epoch", "seq")):
            if told >> bit & 1:
                now[name] += data.number()
        if told >> 4 & 1:
            step = data.number()
        now["time_ns"] += step
        marks = data.take(2) if told >> 5 & 1 else marks
        if told >> 6 & 1:
            value = data.take(8)
        else:
            decimals = data.take(1)[0] if told >> 7 & 1 else decimals
            digits = _wrapped(digits + data.number())
            if decimals > 6:
                raise ValueError("more than six decimals")
            value = struct.pack("<d", float(digits) / 10.0**decimals)
        for name, size in SIGNED.items():
            number = _wrapped(now[name]) * unit if name == "time_ns" else now[name]
            rows[name].append(_wrapped(number, size).to_bytes(size, "little", signed=True))
        rows["flag"].append(marks[:1])
        rows["verdict"].append(marks[1:])
        rows["value"].append(value)
    if data.left:
        raise ValueError("more bytes than rows")
    return b"".join(b"".join(column) for column in rows.values())
