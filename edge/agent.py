"""The agent: takes samples, keeps them in the outbox, and sends them until ingest has them.

The order is fixed: sample, commit to the outbox, publish at QoS 1, free on the acknowledgement
that ingest gives after its archive holds the message. The network never holds up a sample.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from edge import topics, wire
from edge.broker_settings import BrokerSettings
from edge.clock import DeviceClock
from edge.connection import BrokerUnavailableError, Connection
from edge.driver import Driver
from edge.grouping import Encoder, encoders
from edge.message_keys import Message, make_key
from edge.outbox import Outbox
from edge.outbox_file import OutboxWriteError
from edge.settings import Section
from edge.suspects import Suspects
from edge.swallowed import Swallowed

OUTBOX_BYTES = 256 << 20
"""Seven days of 20 sensors at 1 Hz in device blocks: 604,800 messages of 295 bytes, 178 MB."""
OUTBOX_BYTES_MIN = 1 << 20
IN_FLIGHT_MAX = 256
WITNESSES_MAX = 64
RESEND_BACKOFF_MAX = 16
AGAIN_S_MIN = 1.0
"""Everything is sent again at most this often, however often ingest asks."""
STATE_S = 60.0

log = logging.getLogger(__name__)


class AgentSettings(Section):
    """One agent: what it is called, which broker, and how it keeps what it measures."""

    city: str
    district: str
    station: str
    device: str
    broker: str | BrokerSettings = "mqtt://127.0.0.1:1883"
    outbox: str = "outbox.db"
    outbox_bytes_max: int = OUTBOX_BYTES
    sync_s: float = 5.0
    period_s: float = 1.0
    publish_s: float = 0.0
    resend_s: float = 30.0
    trust_clock: bool = False

    def __post_init__(self) -> None:
        """Check what can be checked without I/O. Raises ValueError."""
        topics.readings(self.city, self.district, self.station, self.device)
        if isinstance(self.broker, str):
            BrokerSettings(url=self.broker)
        if self.outbox_bytes_max < OUTBOX_BYTES_MIN:
            raise ValueError(f"outbox_bytes_max must be at least {OUTBOX_BYTES_MIN}")
        spans = {"sync_s": (0, 3600), "period_s": (0.01, 86_400 * 31), "publish_s": (0, 3600),
                 "resend_s": (1, 3600)}
        for key, (low, high) in spans.items():
            if not low <= getattr(self, key) <= high:
                raise ValueError(f"{key} must lie between {low:g} and {high:g}")


class Agent:
    """One device. Call `start`, then `step` often, then `stop`, all from one thread at a time.

    `step` does a bounded amount of work and never waits for the network, so that one process
    can run many agents. `monotonic` is the clock of resends, syncs and state messages; without
    `clock` the times of samples are believed.
    """

    def __init__(
        self, settings: AgentSettings, driver: Driver, *,
        monotonic: Callable[[], float] = time.monotonic, clock: DeviceClock | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self.driver = driver
        self.unwritten = 0
        self._monotonic = monotonic
        place = (settings.city, settings.district, settings.station, settings.device)
        self._readings_topic = topics.readings(*place)
        self._state_topic = topics.state(*place)
        broker = settings.broker
        self._connection = Connection(
            BrokerSettings(url=broker) if isinstance(broker, str) else broker, settings.device,
            on_message=self._received, on_published=self._published,
            subscriptions=[(topics.acks(settings.device), 1)],
            will=(self._state_topic, wire.encode_state(wire.State(online=False))),
        )
        self._outbox: Outbox | None = None
        self._acks: deque[bytes] = deque(maxlen=1000)
        self._confirmed: deque[int] = deque()
        self._session = 0
        self._sent: dict[int, float] = {}
        self._mids: dict[int, int] = {}
        self._cursor = 0
        self._suspects = Suspects()
        self._resend_factor = 1
        self._probing = False
        self._swallowed = Swallowed()
        self._furthest = 0
        self._again = False
        self._again_s = -AGAIN_S_MIN
        self._next_state_s = 0.0
        self._next_publish_s = 0.0

    @property
    def queued(self) -> int:
        """Messages that ingest has not acknowledged."""
        return self._box.counts.queued

    @property
    def dropped(self) -> int:
        """Messages lost to the bound of the outbox or to a full disk, since its file began."""
        return self._box.counts.dropped

    @property
    def aside(self) -> int:
        """Messages set aside: the broker cut the connection on them, or swallowed them."""
        return self._box.counts.aside

    @property
    def drained(self) -> bool:
        """True if ingest has acknowledged everything."""
        return self.queued == 0 and self._box.counts.gaps == 0

    @property
    def connected(self) -> bool:
        """True while the broker's session stands and acknowledgements can arrive."""
        return self._connection.ready

    @property
    def _box(self) -> Outbox:
        if self._outbox is None:
            raise RuntimeError("the agent is not started")
        return self._outbox

    def start(self) -> None:
        """Open the outbox and begin to connect. Raises `OutboxError`, `BrokerSettingsError`."""
        settings = self.settings
        self._outbox = Outbox(
            Path(settings.outbox), bytes_max=settings.outbox_bytes_max, sync_s=settings.sync_s,
            monotonic=self._monotonic, clock=self._clock.epoch if self._clock else time.time,
        )
        # What an agent before this one has sent is not known.
        self._furthest = make_key(self._box.counts.epoch, self._box.counts.number)
        try:
            self._connection.start()
        except BaseException:
            self._outbox.close()
            raise

    def step(self, now_ms: int) -> None:
        """Take what is due at `now_ms` (Unix ms UTC), then let messages move on."""
        self._put(self._stamped(encoders(self.driver.samples(now_ms)), now_ms))
        try:
            self._take_acks()
            self._send(now_ms)
            self._box.sync_if_due()
        except BrokerUnavailableError:
            pass  # the session ended just now; everything goes out again in the next one
        except OutboxWriteError as error:
            log.warning("%s", error)

    def _stamped(self, messages: Sequence[Encoder], now_ms: int) -> Sequence[Encoder]:
        """Messages that say so if the clock is not set; each stretch of it is an epoch."""
        clock = self._clock
        if not messages or clock is None or clock.believed():
            return messages
        if clock.moved(now_ms):
            log.warning("%s: the clock is not set; readings say so until it is",
                        self.settings.device)
            try:
                self._box.begin_epoch()
            except OutboxWriteError as error:
                log.warning("%s", error)
        return [clock.stamped(encode, now_ms) for encode in messages]

    def put(self, message: Encoder) -> None:
        """Send a message without readings: an event, or one that moves a recording's clock."""
        self._put([message])

    def stop(self) -> None:
        """Close the driver, say offline, end the session and mark the outbox clean."""
        self.driver.close()
        try:
            self._take_acks()
            if self._connection.ready:
                self._publish_state(online=False, now_ms=round(time.time() * 1000))
        except (BrokerUnavailableError, OutboxWriteError) as error:
            log.info("%s stops without saying so: %s", self.settings.device, error)
        self._connection.stop()
        self._box.close()

    def _put(self, messages: Sequence[Encoder]) -> None:
        try:
            self._box.put(messages)
        except OutboxWriteError as error:
            if not self.unwritten:
                log.error("readings are lost until the disk is writable: %s", error)
            self.unwritten += len(messages)
            self._box.counts.dropped += len(messages)

    # The next two run in the network thread.

    def _received(self, _topic: str, payload: bytes, _qos: int, _id: int, _retain: bool) -> None:
        self._acks.append(payload)

    def _published(self, mid: int) -> None:
        self._confirmed.append(mid)

    def _take_acks(self) -> None:
        """Free what ingest has; what is no acknowledgement, old or double changes nothing."""
        box = self._box
        while self._acks:
            try:
                ack = wire.decode_ack(self._acks.popleft())
            except (wire.WireError, msgspec.ValidationError) as error:
                log.warning("%s: not an acknowledgement: %s", self.settings.device, error)
                continue
            if ack.e == box.counts.epoch and ack.s > box.counts.number:
                # Ingest knows more of this device than we do: the outbox is an old copy, and
                # what we number from here on would pass for a repetition.
                log.warning("%s: acknowledged beyond what was sent: %s", box.path, ack)
                box.begin_epoch()
                continue
            self._again |= ack.again
            if self._swallowed.answered(ack.e, max(ack.s, ack.h)):
                self._resend_factor = 1
            if box.free(ack.e, ack.s):
                self._progress(make_key(ack.e, 0), make_key(ack.e, ack.s))
            elif self._probing and not (box.counts.reports or box.counts.gaps):
                # The answer to a message sent again is less than ingest has acknowledged before:
                # it has lost its memory, and would wait for ever for what we have freed.
                floor = box.floor(ack.e)
                if floor is not None and ack.s < floor - 1:
                    log.warning("%s: ingest has forgotten what it acknowledged", box.path)
                    box.note_floors()

    def _progress(self, first: int, last: int) -> None:
        self._sent = {key: at for key, at in self._sent.items() if not first <= key <= last}
        self._resend_factor = 1
        self._swallowed.freed(first, last)
        if self._probing:
            # Ingest is back. What the broker did not keep for it is sent again at once.
            self._probing = False
            self._rewind()

    def _set_aside(self, key: int, why: str) -> None:
        box = self._box
        message = box.get(key)
        size = len(message.payload) if message else 0
        log.error("%s: %s (%d bytes); it is kept in table aside of %s", self.settings.device,
                  why, size, box.path)
        box.set_aside(key)
        self._next_state_s = 0.0

    def _rewind(self) -> None:
        self._sent.clear()
        self._cursor = 0

    def _send(self, now_ms: int) -> None:
        connection = self._connection
        while self._confirmed:
            key = self._mids.pop(self._confirmed.popleft(), None)
            if key is not None:
                self._suspects.confirmed(key)
        if not connection.ready:
            return
        now_s = self._monotonic()
        if connection.session != self._session:
            self._begin_session(connection.session)
            self._next_state_s = now_s
        if now_s >= self._next_state_s:
            self._publish_state(online=True, now_ms=now_ms)
            self._next_state_s = now_s + STATE_S
        if now_s >= self._next_publish_s:
            self._next_publish_s = now_s + self.settings.publish_s
            self._publish_readings(now_s)

    def _begin_session(self, session: int) -> None:
        """Everything that ingest has not acknowledged is sent again in a new session."""
        self._session = session
        at_fault = self._suspects.cut(set(self._mids.values()))
        if at_fault is not None:
            self._set_aside(at_fault, "the broker cuts the connection on a message")
        self._mids.clear()
        self._rewind()
        self._resend_factor = 1
        self._probing = False
        self._swallowed.new_session()

    def _publish_readings(self, now_s: float) -> None:
        if self._suspects:
            self._publish_one_at_a_time(now_s)
            return
        box = self._box
        if self._again and now_s >= self._again_s + AGAIN_S_MIN:
            self._again = False
            self._again_s = now_s
            self._rewind()
        self._resend_overdue(now_s)
        if box.counts.gaps:
            box.report_gaps()
        # Reports go first and beside the window: until ingest knows of a gap it acknowledges
        # nothing behind it, and the window would never move.
        if box.counts.reports:
            for message in box.reports():
                if message.key not in self._sent:
                    self._publish(message, now_s)
        room = IN_FLIGHT_MAX - len(self._sent)
        if room > 0 and self._cursor < make_key(box.counts.epoch, box.counts.number):
            for message in box.pending(self._cursor, room):
                if message.key not in self._sent:
                    self._publish(message, now_s)
                self._cursor = message.key

    def _publish_one_at_a_time(self, now_s: float) -> None:
        if self._mids:
            return
        key, wants_witness = self._suspects.next()
        message = self._box.get(key)
        if message is None:
            self._suspects.forget(key)
            return
        if wants_witness:
            message = self._witness(key) or message
        self._publish(message, now_s)

    def _witness(self, key: int) -> Message | None:
        """Another message, as unsuspicious as there is, to see whether the broker takes any."""
        newest = self._box.get(make_key(self._box.counts.epoch, self._box.counts.number))
        waiting = [*self._box.pending(0, WITNESSES_MAX), *([newest] if newest else [])]
        return min(
            (message for message in waiting if message.key != key),
            key=lambda message: self._suspects.cuts(message.key), default=None,
        )

    def _resend_overdue(self, now_s: float) -> None:
        """Send the oldest message again if ingest is silent, ever more rarely, and its witness.

        No more than these: while ingest is away the broker queues everything we send.
        """
        if not self._sent:
            return
        key = min(self._sent)
        if now_s - self._sent[key] < self.settings.resend_s * self._resend_factor:
            return
        message = self._box.get(key)
        if message is None:
            del self._sent[key]
            return
        if self._swallowed.ask(key):
            self._swallowed.forget()
            del self._sent[key]
            self._set_aside(key, "the broker confirms a message and does not deliver it")
            return
        self._publish(message, now_s)
        witness = self._box.get(self._swallowed.witness or 0) or self._box.unsent(self._furthest)
        self._swallowed.witness = witness.key
        self._publish(witness, now_s)
        self._probing = True
        self._resend_factor = min(self._resend_factor * 2, RESEND_BACKOFF_MAX)

    def _publish(self, message: Message, now_s: float) -> None:
        payload = message.payload if self._clock is None else self._clock.sent(message.payload)
        mid = self._connection.publish(self._readings_topic, payload)
        self._mids[mid] = message.key
        self._sent[message.key] = now_s
        self._furthest = max(self._furthest, message.key)

    def _publish_state(self, *, online: bool, now_ms: int) -> None:
        counts = self._box.counts
        state = wire.State(
            online=online, t=now_ms, e=counts.epoch, queued=counts.queued,
            dropped=counts.dropped, aside=counts.aside,
            clock="unset" if self._clock is not None and not self._clock.believed() else "set",
        )
        self._connection.publish(self._state_topic, wire.encode_state(state), retain=True)
