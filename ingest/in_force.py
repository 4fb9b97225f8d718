"""What of the configuration decides results: in force from a moment on, by an archive record.

A running ingest takes a changed file whole or not at all; what decides results is archived before
it takes effect, so that a replay of the archive decides as it was decided then.
"""

from typing import TYPE_CHECKING

import msgspec

from engine.registry import GROUP_MIN
from engine.vitals import Vitals
from ingest.archive import Kind

if TYPE_CHECKING:
    from ingest.line import Line


class Rules(msgspec.Struct, frozen=True):
    """grace_s: how long a window waits. k: private stations that an area needs to count any.

    receipts: whether the receive times are those of this city, not of a recording or a past that
    was made: then it is told how readings came.
    """

    grace_s: int = 60
    k: int = GROUP_MIN
    receipts: bool = False

    def put(self, vitals: Vitals) -> None:
        """Let `vitals` go by them from its next tick on."""
        vitals.grace_s = self.grace_s
        vitals.registry.group_min = self.k
        vitals.deliveries.counting = self.receipts

    def record(self) -> tuple[Kind, bytes]:
        """What the archive keeps of them."""
        return (Kind.CONFIGURATION, msgspec.json.encode(self))


def rules_of(body: bytes, vitals: Vitals) -> Rules:
    """The rules of an archive record, put in force; keys that came later have their defaults."""
    rules = msgspec.json.decode(body, type=Rules)
    rules.put(vitals)
    return rules


def configure(line: "Line", rules: Rules, now_ns: int) -> bool:
    """Put rules in force; archived first. False if they were in force already."""
    if rules == line.rules:
        return False
    kind, body = rules.record()
    if line.archive.position.segment:  # else the first segment begins with them
        line.archive.append(kind, now_ns, body)
        line.archive.sync(now_ns // 1_000_000)
    line.rules = rules
    rules.put(line.vitals)
    return True
