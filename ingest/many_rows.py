"""Which devices have more dated rows than are kept apart: the operator is told."""

from engine.registry import DATED_MAX, Registry, changes_of


def taken_as_one(registry: Registry) -> list[str]:
    """A line for each device of which the oldest rows count as one."""
    counts = {device: len(changes_of(rows)) for device, rows in registry.rows_of.items()}
    return [
        f"{device} has {count} rows that change its series (station, status, period, modulus,"
        f" correction), and {DATED_MAX} are kept apart: of the {count - DATED_MAX + 1} oldest the"
        " last holds for all the time before it"
        for device, count in counts.items() if count > DATED_MAX
    ]
