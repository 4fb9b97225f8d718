"""The rules of time, told so that everybody can read them: both sides of each edge.

`python -m tests.test_rules_time` writes the narrative anew.
"""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.verdicts import Verdict
from ingest.clocks import NO_READING
from ingest.line import Line
from tests.line_city import MS, body, line_of, message, verdicts, write_places

GOLDEN = Path(__file__).parent / "golden" / "rules_time.txt"
NOW = datetime(2026, 9, 21, 12, 0, 0, tzinfo=UTC)
WORDS = {
    Verdict.APPLIED: "counts", Verdict.LATE: "counts, late",
    Verdict.TOO_LATE: "too late, kept in the archive only",
    Verdict.HELD_FUTURE: "waits until its time comes",
}
FLAGS = {1: "", 3: ", suspect"}


def ms(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def shown(moment_ms: int) -> str:
    """A moment to the second, with its day if that is not today's; times under a second cut."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment_ms)
    return f"{moment:%Y-%m-%d %H:%M:%S}"


class Story:
    """A line of one device, and what is told of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        write_places(folder / "places.csv")
        self.line: Line = line_of(folder)
        self.number = 0
        self.lines: list[str] = []

    def say(self, text: str = "") -> None:
        self.lines.append(text)

    def arrive(self, at: datetime, *messages: dict[str, int]) -> None:
        """Messages that come together, and what becomes of each."""
        sent = []
        for keys in messages:
            self.number += 1
            sent.append(message("d1", body(self.number, q="temp", v=20.0, **keys), ms(at)))
        admitted = self.line.admission.admit(sent, ms(at) * MS)
        self.line.inbox.put(admitted.held, admitted.dead)
        batch = admitted.batch
        self.line.add(batch)
        self.say(f"{at:%Y-%m-%d %H:%M:%S}")
        for k, keys in enumerate(messages):
            verdict = Verdict(int(batch.verdict[k]))
            time_ms = int(batch.time_ns[k]) // MS
            placed = any(-2 - int(slot) == k for slot in batch.slot[batch.verdict == NO_READING])
            what = f"         a reading of {shown(keys['t'])}"
            if "n" in keys:
                what += f", sent at {shown(keys['n'])} of its clock" if keys["n"] >= 0 else (
                    ", its clock is not set and nobody knows when it was sent")
            result = WORDS[verdict] + FLAGS[int(batch.flag[k])]
            if placed:
                result = f"placed at {shown(time_ms)}; {result}"
            self.say(f"{what}: {result}")

    def tick(self, at: datetime) -> None:
        """The clock moves on; what waited is told."""
        before = verdicts(self.line)
        self.line.tick(ms(at) * MS, with_open=False)
        after = verdicts(self.line)
        self.say(f"{at:%Y-%m-%d %H:%M:%S}")
        gained = [
            f"{after[name] - before.get(name, 0)} {name}" for name in after
            if after[name] > before.get(name, 0)
        ]
        told = ", ".join(gained) or "nothing"
        self.say(f"         {told}; {after.get('held_future', 0)} wait")

    def end(self) -> list[str]:
        self.line.close()
        return self.lines


def _future(story: Story) -> None:
    story.say("-- A reading may be 5 minutes ahead of us when it comes.")
    for seconds in (299, 300, 301):
        story.arrive(NOW, {"t": ms(NOW + timedelta(seconds=seconds))})
    story.say()
    story.say("-- What waits is admitted at the first minute at which it is no more than 5 minutes")
    story.say("-- ahead (12:05:01 less 5 minutes is 12:00:01).")
    story.tick(NOW)
    story.tick(NOW + timedelta(minutes=1))
    story.say()
    story.say("-- A clock that is a day ahead: its readings wait for a day.")
    ahead = NOW + timedelta(days=1, minutes=1)
    story.arrive(NOW + timedelta(minutes=1), {"t": ms(ahead)})
    story.tick(ahead - timedelta(minutes=6))
    story.tick(ahead - timedelta(minutes=5))


def _old(story: Story) -> None:
    story.say("-- A reading counts up to 8 days after it was measured.")
    for more in (timedelta(minutes=-1), timedelta(0), timedelta(milliseconds=1),
                 timedelta(minutes=1)):
        story.arrive(NOW, {"t": ms(NOW - timedelta(days=8) - more)})


def _unset(story: Story) -> None:
    story.say("-- A time before 2000 is that of a clock that is not set: the reading counts as")
    story.say("-- measured when it came, and is flagged. From 2000 on a time is believed.")
    story.arrive(NOW, {"t": ms(datetime(2000, 1, 1, tzinfo=UTC)) - 1000})
    story.arrive(NOW + timedelta(minutes=1), {"t": ms(datetime(2000, 1, 1, tzinfo=UTC))})


def _backlog(story: Story) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    story.say("-- A backlog of a clock of 1970 comes at once: the newest counts as measured now,")
    story.say("-- those before it keep their distance.")
    story.arrive(NOW, *({"t": ms(epoch + timedelta(minutes=m))} for m in (1, 2, 30)))
    story.say()
    story.say("-- The next one travelled for 20 seconds; the distance tells.")
    story.arrive(NOW + timedelta(seconds=80), {"t": ms(epoch + timedelta(minutes=31))})
    story.say()
    story.say("-- The device started anew: its clock begins anew, too, and what it measures comes")
    story.say("-- after what it had measured.")
    story.arrive(NOW + timedelta(minutes=10), *(
        {"t": ms(epoch + timedelta(minutes=m))} for m in (1, 3)
    ))
    story.say()
    story.say("-- Then NTP: the clock is believed.")
    story.arrive(NOW + timedelta(minutes=12), {"t": ms(NOW + timedelta(minutes=12))})


def _told(story: Story) -> None:
    story.say("-- An agent that knows that its clock is not set says what it shows when it sends.")
    story.say("-- It had stopped at yesterday's 18:00; after three hours the network came.")
    start = datetime(2026, 9, 20, 18, 0, tzinfo=UTC)
    send = ms(start + timedelta(hours=3))
    story.arrive(NOW, *({"t": ms(start + timedelta(hours=h)), "n": send} for h in (0, 1, 2)))
    story.say()
    story.say("-- Of readings from before its last start nobody knows how long ago that was.")
    story.arrive(NOW + timedelta(minutes=1), {"t": ms(start + timedelta(hours=5)), "n": -1})


def narrative(folder: Path) -> str:
    """The whole text."""
    parts = ["What becomes of a reading by its time. Each part begins with a new device.\n"]
    for tell in (_future, _old, _unset, _backlog, _told):
        story = Story(folder / tell.__name__)
        tell(story)
        parts.append("\n".join(story.end()) + "\n")
    return "\n\n".join(parts)


def test_the_rules_of_time_are_as_told(tmp_path: Path) -> None:
    assert narrative(tmp_path) == GOLDEN.read_text(encoding="utf-8")


if __name__ == "__main__":
    GOLDEN.write_text(narrative(Path(tempfile.mkdtemp())), encoding="utf-8")
