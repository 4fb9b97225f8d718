"""Facts in force: what is known of places, for the engine, from a moment on by an archive record.

A running ingest takes a changed `facts.csv` of its data folder whole or not at all, and archives
it before it takes effect, so that a replay of the archive holds windows against what was known.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from edge.facts import FactsError, load, parse, render
from engine.vitals import Vitals
from ingest.archive import Kind

if TYPE_CHECKING:
    from ingest.line import Line

FILE = "facts.csv"
log = logging.getLogger(__name__)


def records(vitals: Vitals) -> list[tuple[Kind, bytes]]:
    """What a segment begins with: the facts in force, nothing without any."""
    facts = vitals.registry.facts.facts
    return [(Kind.FACTS, render(facts).encode())] if facts else []


def use(body: bytes, vitals: Vitals) -> None:
    """Put the facts of an archive record in force."""
    facts = parse(body.decode(), "the archived facts file")
    if facts != vitals.registry.facts.facts:
        vitals.load_facts(facts)


def take(line: "Line", path: Path, now_ns: int) -> bool:
    """Put a facts file in force; archived first. False if it says nothing new.

    Raises `FactsError` and keeps the present facts if the file is wrong.
    """
    facts = load(path)
    text = render(facts)
    if text == render(line.vitals.registry.facts.facts):
        return False
    line.archive.append(Kind.FACTS, now_ns, text.encode())
    use(text.encode(), line.vitals)
    line.archive.sync(now_ns // 1_000_000)
    return True


class FactsFile:
    """The `facts.csv` of a data folder, looked at each second."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._seen: tuple[int, int, int] | None = None

    def look(self, line: "Line", now_ns: int) -> None:
        """Take a changed file whole, or refuse it whole and say so once."""
        try:
            stat = self._path.stat()
        except OSError:
            return  # none is needed, and facts do not end with their file
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            if take(line, self._path, now_ns):
                log.info("facts: %s is in force", self._path)
        except FactsError as error:
            log.error("facts are unchanged: %s", error)
