"""Facts that indicators are held against, by place, fact and day (see `edge.facts`)."""

from bisect import bisect_right
from datetime import date

from edge.facts import Fact


class KnownFacts:
    """The dated values of every place and fact; before the first day nothing is known."""

    def __init__(self, facts: list[Fact] | None = None) -> None:
        self.facts = sorted(facts or [], key=lambda fact: fact.valid_from)
        self._days: dict[tuple[str, str], list[int]] = {}
        self._values: dict[tuple[str, str], list[float]] = {}
        for fact in self.facts:
            key = (fact.place, fact.fact)
            self._days.setdefault(key, []).append(fact.valid_from.toordinal())
            self._values.setdefault(key, []).append(fact.value)

    def at(self, path: str, fact: str, day: int) -> float:
        """The value in force on a day (proleptic ordinal); NaN if none is known by then."""
        days = self._days.get((path, fact))
        if days is None:
            return float("nan")
        at = bisect_right(days, day) - 1
        return self._values[path, fact][at] if at >= 0 else float("nan")

    def in_force(self, path: str, fact: str, day: int) -> Fact | None:
        """The fact itself that is in force on a day, with its source; None if none is."""
        known = [one for one in self.facts if (one.place, one.fact) == (path, fact)
                 and one.valid_from.toordinal() <= day]
        return known[-1] if known else None

    def dated(self, path: str, fact: str) -> list[tuple[int, float]]:
        """All values of a place and fact with the day from which each holds."""
        key = (path, fact)
        return list(zip(self._days.get(key, []), self._values.get(key, []), strict=True))

    def dump(self) -> list[list[object]]:
        """What a snapshot keeps (JSON)."""
        return [[fact.valid_from.isoformat(), *fact[1:]] for fact in self.facts]


def restored(rows: list[list[object]]) -> KnownFacts:
    """The reverse of `dump`."""
    return KnownFacts([
        Fact(date.fromisoformat(str(day)), str(place), str(name), float(str(value)), str(unit),
             str(source))
        for day, place, name, value, unit, source in rows
    ])
