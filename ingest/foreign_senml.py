"""The format `senml`: SenML in JSON, RFC 8428, with the units of RFC 8798.

Base fields hold for the records that follow. A name is looked for whole, then its end behind the
last `:` or `/`. Times below 2^28 are relative to when the message came, and so is a missing one.
What only grows (`s`, the sum) is not read. Units are those of the payload, or where it tells none
the configured one: never a guess.
"""

from collections.abc import Callable
from typing import Any

from edge.verdicts import Verdict
from ingest.foreign_found import ENTRIES_MAX, Found, WrongError
from ingest.foreign_time import fitting

RELATIVE_BELOW_S = 1 << 28
VERSION = 10
NAME_CHARS_MAX = 300
UNITS = {
    "Cel": "degC", "K": "K", "%RH": "%", "%": "%", "/": "1", "ppm": "ppm", "ppb": "ppb",
    "ug/m3": "ug/m3", "mg/m3": "mg/m3", "m/s": "m/s", "km/h": "km/h", "W": "W", "kW": "kW",
    "Wh": "Wh", "kWh": "kWh", "var": "var", "kvar": "kvar", "V": "V", "A": "A", "mA": "mA",
    "Hz": "Hz",
}
"""Units of SenML that a quantity of ours may be in, as we write them."""
_NUMBERS = ("bt", "bv", "t", "v")
_TEXTS = ("bn", "bu", "n", "u")
_CARRIES = frozenset({"n", "u", "v", "vs", "vb", "vd", "s", "t", "ut"})


def found_in(
    tree: Any, known: Callable[[str], str | None], received_ms: int
) -> list[Found]:
    """All records of a pack. `known`: the name by which the configuration knows one, if it does.

    Raises `WrongError`.
    """
    if not isinstance(tree, list):
        raise WrongError(Verdict.REFUSED_TYPE)
    if len(tree) > ENTRIES_MAX:
        raise WrongError(Verdict.REFUSED_OVERSIZED)
    base: dict[str, Any] = {"bn": "", "bt": 0, "bu": None, "bv": 0}
    out: list[Found] = []
    for record in tree:
        _check(record)
        base.update((key, record[key]) for key in base if key in record)
        if _CARRIES & record.keys():
            out.append(_found(record, base, known, received_ms))
    if not out:
        raise WrongError(Verdict.REFUSED_QUANTITY)
    return out


def _check(record: Any) -> None:
    """Raises `WrongError` for a record that may not be read."""
    if not isinstance(record, dict):
        raise WrongError(Verdict.REFUSED_TYPE)
    for key in record:
        if key.endswith("_"):  # the standard: must be understood, or the pack refused
            raise WrongError(Verdict.REFUSED_TYPE)
    for key in _NUMBERS:
        value = record.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WrongError(Verdict.REFUSED_TYPE)
    for key in _TEXTS:
        if not isinstance(record.get(key, ""), str):
            raise WrongError(Verdict.REFUSED_TYPE)
    version = record.get("bver", VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or not 0 < version <= VERSION:
        raise WrongError(Verdict.REFUSED_TYPE)


def _found(
    record: dict[str, Any], base: dict[str, Any], known: Callable[[str], str | None],
    received_ms: int,
) -> Found:
    full = base["bn"] + record.get("n", "")
    name = _known(full, known) if len(full) <= NAME_CHARS_MAX else None
    if name is None:
        return Found(full[:NAME_CHARS_MAX], None, refused=Verdict.REFUSED_QUANTITY)
    if "v" not in record:
        return Found(name, None, refused=Verdict.REFUSED_TYPE)
    told = record.get("u", base["bu"])
    unit = None if told is None else UNITS.get(told)
    if told is not None and unit is None:
        return Found(name, None, refused=Verdict.REFUSED_UNIT)
    time_ms, relative = _time(base["bt"], record.get("t", 0), received_ms)
    if isinstance(time_ms, Verdict):
        return Found(name, None, refused=time_ms)
    try:
        value = float(base["bv"]) + float(record["v"])
    except OverflowError:
        return Found(name, None, refused=Verdict.REFUSED_NOT_A_NUMBER)
    return Found(name, value, time_ms, unit or "", relative=relative)


def _known(full: str, known: Callable[[str], str | None]) -> str | None:
    """The whole name, or what stands behind its last colon or slash."""
    return known(full) or known(full[max(full.rfind(":"), full.rfind("/")) + 1 :])


def _time(base_s: float, own_s: float, received_ms: int) -> tuple[int | Verdict, bool]:
    """When a record was measured, or why it is refused; and whether that counts from `received_ms`.
    """
    try:
        time_ms = round((base_s + own_s) * 1000)
    except (OverflowError, ValueError):
        return Verdict.REFUSED_TYPE, False
    relative = time_ms < RELATIVE_BELOW_S * 1000
    return fitting(time_ms + received_ms if relative else time_ms), relative
