"""Times as publishers of others write them: numbers in a configured unit, or ISO 8601."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from edge.verdicts import Verdict
from ingest.messages import MS_MAX, from_1970

TEXT_CHARS_MAX = 40
PER_MS = {"ms": 1, "us": 1_000, "ns": 1_000_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def instant_ms(
    value: object, unit: str, zone: ZoneInfo | None, received_ms: int
) -> int | Verdict:
    """Unix ms of a time, or the verdict that refuses it.

    A number counts `unit` since 1970. A text is ISO 8601; without an offset it is in `zone`, and
    of the hour that an autumn has twice the one nearer to `received_ms`.
    """
    if isinstance(value, str):
        return _of_text(value, zone, received_ms)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Verdict.REFUSED_TYPE
    try:
        found = round(value * 1000) if unit == "s" else int(value // PER_MS[unit])
    except (OverflowError, ValueError):
        return Verdict.REFUSED_TYPE
    return fitting(found)


def fitting(time_ms: int) -> int | Verdict:
    """A time that fits, or REFUSED_TYPE; a clock that began in year 1 is one of 1970."""
    time_ms = from_1970(time_ms)
    return time_ms if -MS_MAX < time_ms < MS_MAX else Verdict.REFUSED_TYPE


def _of_text(text: str, zone: ZoneInfo | None, received_ms: int) -> int | Verdict:
    if len(text) > TEXT_CHARS_MAX or len(text) < len("2026-01-01T00"):
        return Verdict.REFUSED_TYPE
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return fitting((moment - _EPOCH) // _MS)
        if zone is None:
            return Verdict.REFUSED_TIME
        both = [(moment.replace(tzinfo=zone, fold=fold) - _EPOCH) // _MS for fold in (0, 1)]
    except (ValueError, OverflowError):
        return Verdict.REFUSED_TYPE
    return fitting(min(both, key=lambda time_ms: abs(time_ms - received_ms)))
