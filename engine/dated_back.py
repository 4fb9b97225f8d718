"""Rows of the places file that were added late: what they change of a time that has passed.

Two files are held against each other, device by device and stretch by stretch: only a stretch in
which a device's row says something else than before counts, and only the part of it that has
passed. A device that is new or has left the file changes nothing of what was said; names are for
people, and a zone that is dated back would make days end elsewhere (docs/places.md).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from edge.places import PlaceKey, PlaceRow

ALWAYS_MS = -(1 << 52)
FOR_EVER_MS = 1 << 52
COMPARED = (
    "status", "period_s", "lat", "lon", "length_km", "lanes", "posted_kmh", "road_class",
    "capacity_vph", "g_m", "occupants", "heavy_share", "customers", "modulus_kwh", "correction",
)
"""Columns that decide a value; beside them where the device stands."""
FOLDED = ("status", "period_s")
"""Columns by which readings are folded into panes: how much of an hour they vouch for."""


class Difference(NamedTuple):
    """A stretch of time in which the rows of a device say something else than they did.

    since_ms, until_ms: from and before, Unix ms; `ALWAYS_MS` before a device's first row.
    """

    since_ms: int
    until_ms: int
    old: PlaceRow
    new: PlaceRow

    @property
    def places(self) -> tuple[PlaceKey, ...]:
        """The station of before and that of now, once if they are the same."""
        return tuple(dict.fromkeys((key_of(self.old), key_of(self.new))))

    @property
    def moved(self) -> bool:
        """Whether the device stands elsewhere."""
        return key_of(self.old) != key_of(self.new)

    @property
    def folded(self) -> bool:
        """Whether readings must be folded anew."""
        return self.moved or any(
            getattr(self.old, name) != getattr(self.new, name) for name in FOLDED
        )

    def __str__(self) -> str:
        """Which row, and what it changes."""
        row = self.new
        what = [f"station {key_of(self.old).path} -> {key_of(row).path}"] if self.moved else []
        what += [
            f"{name} {_shown(getattr(self.old, name))} -> {_shown(getattr(row, name))}"
            for name in COMPARED if getattr(self.old, name) != getattr(row, name)
        ]
        since = datetime.fromtimestamp(row.valid_from_ms / 1000, UTC).isoformat(timespec="seconds")
        return (
            f"row of the places file added late: {key_of(row).path}, device {row.device}, "
            f"valid_from {since.replace('+00:00', 'Z')}: {', '.join(what)}"
        )


def key_of(row: PlaceRow) -> PlaceKey:
    """The station of a row."""
    return PlaceKey(row.city, row.district, row.station)


def differences(
    before: Sequence[PlaceRow], after: Sequence[PlaceRow], now_ms: int
) -> list[Difference]:
    """What of the time before `now_ms` has another row; by device, oldest first."""
    old, new = by_device(before), by_device(after)
    found: list[Difference] = []
    for device, rows in old.items():
        others = new.get(device)
        if others is None or others == rows:
            continue
        begins = sorted({row.valid_from_ms for row in (*rows, *others)})
        begins = [ALWAYS_MS, *(begin for begin in begins if begin < now_ms)]
        for since_ms, until_ms in zip(begins, [*begins[1:], FOR_EVER_MS], strict=True):
            was, is_ = row_at(rows, since_ms), row_at(others, since_ms)
            if not _differ(was, is_):
                continue
            last = found[-1] if found else None
            if last is not None and (last.until_ms, last.old, last.new) == (since_ms, was, is_):
                found[-1] = last._replace(until_ms=until_ms)
            else:
                found.append(Difference(since_ms, until_ms, was, is_))
    return found


def row_at(rows: Sequence[PlaceRow], time_ms: int) -> PlaceRow:
    """The row of a device's rows, oldest first, that holds at a time; its first before it."""
    found = rows[0]
    for row in rows:
        if row.valid_from_ms <= time_ms:
            found = row
    return found


def same_stations(
    before: Sequence[PlaceRow], after: Sequence[PlaceRow], now_ms: int
) -> bool:
    """Whether two lists of rows of one device put it at the same stations until `now_ms`."""
    return not any(difference.moved for difference in differences(before, after, now_ms))


def _differ(old: PlaceRow, new: PlaceRow) -> bool:
    return key_of(old) != key_of(new) or any(
        getattr(old, name) != getattr(new, name) for name in COMPARED
    )


def by_device(rows: Sequence[PlaceRow]) -> dict[str, list[PlaceRow]]:
    """Rows of each device, in the order in which they come."""
    found: dict[str, list[PlaceRow]] = {}
    for row in rows:
        found.setdefault(row.device, []).append(row)
    return found


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) or "none"
