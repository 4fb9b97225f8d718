"""`cityvitals up`: everything in one process tree, until Ctrl-C or the end of `--for`.

Broker, page, ingest and fleet are processes of their own; this one starts them in order, shows
how they are, starts again what dies, and leaves nothing behind.
"""

import logging
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from cityvitals import broker, plan
from cityvitals.children import Child, ChildRefusedError, Children, last_line
from cityvitals.gauge import Gauge
from cityvitals.status import Display, Status, display
from dashboards import beginning
from edge.settings import SettingsError
from ingest.folder_lock import held

TICK_S = 0.1
SHOW_S = 1.0
PERCENT = re.compile(rb"^(\d+)%$", re.MULTILINE)
"""A line of the past's progress."""


class UpError(SettingsError):
    """Something stands in the way of starting; the text says what would help."""


@dataclass(slots=True)
class Ending:
    """Why and whether to end: a signal, asked twice for hurry, or the time of `--for`."""

    end_s: float | None
    asked: int = 0

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The signal handler of SIGINT, SIGTERM and SIGHUP."""
        self.asked += 1

    def due(self) -> bool:
        """True once the run is to end."""
        return self.asked > 0 or (self.end_s is not None and time.monotonic() >= self.end_s)

    def hurry(self) -> bool:
        """True once a second signal came."""
        return self.asked > 1


@dataclass(slots=True)
class Run:
    """One run: its children, its display, and how long it goes on. `started_s`: monotonic."""

    options: plan.Options
    started_s: float
    ending: Ending
    screen: Display
    children: Children = field(init=False)
    gauge: Gauge = field(init=False)
    shown_s: float = 0.0

    def __post_init__(self) -> None:
        self.children = Children(self.options.folder / "logs")
        self.gauge = Gauge(self.options.folder / "store.db", time.time_ns() // 1_000_000)

    def during(
        self, phase: str, until: Callable[[], bool], done: Callable[[], float] = lambda: 0.0
    ) -> bool:
        """Watch and show until `until()`; False if the run is to end instead."""
        while not self.ending.due():
            now_s = time.monotonic()
            self.children.watch(now_s)
            if now_s - self.shown_s >= SHOW_S:
                # Stay on the whole seconds of the start, so that t_s counts evenly.
                self.shown_s = now_s - (now_s - self.started_s) % SHOW_S
                self.screen.show(self.status(phase, done(), now_s))
            if until():
                return True
            time.sleep(TICK_S)
        return False

    def status(self, phase: str, done: float, now_s: float) -> Status:
        """The status at `now_s`."""
        vitals = self.gauge.read(time.time_ns() // 1_000_000)
        trouble = [_trouble(child, now_s) for child in self.children.all]
        if phase == "live":
            trouble += vitals.trouble
        done = 1.0 if phase == "live" else done
        return Status(
            now_s - self.started_s, phase, done, self.options.url, vitals.readings,
            vitals.readings_per_s, vitals.points, vitals.places, vitals.oldest_s,
            sum(child.restarts for child in self.children.all), vitals.clock,
            tuple(text for text in trouble if text),
        )

    def start(self, name: str, argv: list[str], *, once: bool = False) -> Child:
        """Start one of the programs now."""
        return self.children.start(name, argv, time.monotonic(), once=once)

    def begin_past(self) -> Child:
        """Let the simulated city live until now; the same process goes on as ingest."""
        beginning.tell(self.options.folder, 0.0)  # the page may be looked at before its first word
        return self.start("ingest", plan.past_command(self.options))

    def past(self, child: Child) -> bool:
        """Wait until the past is lived; False if the run is to end first."""

        def done() -> float:
            found = PERCENT.findall(child.log.read_bytes())
            return float(found[-1]) / 100 if found else 0.0

        def lived() -> bool:
            return done() == 1.0 or not child.running

        if not self.during("past", lived, done):
            return False
        if done() < 1.0:
            raise UpError(f"the city's past could not be made: {last_line(child.log)}")
        # Should it end from now on, it starts again without a past.
        child.argv = plan.ingest_command(self.options)
        return True

    def everything(self) -> None:
        """Start the programs in order and keep them running until the end."""
        folder, port = self.options.folder, broker.free_port()
        url = f"mqtt://127.0.0.1:{port}"
        plan.write_files(self.options, url)
        recorded = self.options.replay is not None
        # What takes longest comes first, beside all that does not need it.
        past = None if recorded else self.begin_past()
        self.start("broker", broker.command(folder / "broker", port))
        if not self.during("starting", lambda: broker.reachable("127.0.0.1", port)):
            return
        # From now on the broker keeps what is published until ingest, which starts last, has it.
        broker.keep_for_ingest(url, plan.INGEST_CLIENT)
        # The page first: it says itself that there is nothing yet, and it needs time to load.
        self.start("page", plan.page_command(self.options, url))
        self.start("fleet", plan.fleet_command(self.options, url), once=recorded)
        if past is None:
            self.start("ingest", plan.ingest_command(self.options))
        elif not self.past(past):
            return
        if not self.during("starting", lambda: self.gauge.connected(time.time_ns() // 1_000_000)):
            return
        self.during("live", lambda: False)


def _trouble(child: Child, now_s: float) -> str:
    if child.running or child.finished:
        return ""
    again = f"starts again in {max(0.0, child.next_start_s - now_s):.0f} s"
    return f"{child.name} ended with status {child.status}, {again}: {last_line(child.log)}"


def run(options: plan.Options, started_s: float) -> int:
    """Run until told to end. Raises `UpError` if it cannot start; returns the exit status."""
    # What the children log is in their files; here it would tear the display.
    logging.getLogger("edge").setLevel(logging.WARNING)
    ending = Ending(None if options.for_s is None else started_s + options.for_s)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ending.ask)
    with held(options.folder):
        if not broker.is_free(options.port):
            raise UpError(
                f"--port {options.port}: in use by another program; give a free one, "
                f"for example --port {broker.free_port(options.port + 1)}"
            )
        screen = display(options.as_json)
        this = Run(options, started_s, ending, screen)
        try:
            this.everything()
        except ChildRefusedError as error:
            raise UpError(str(error)) from None
        finally:
            this.children.stop(ending.hurry, first="fleet")
            screen.close("Cityvitals has ended; everything is stopped.")
    return 0
