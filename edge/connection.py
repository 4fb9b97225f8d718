"""The session with the MQTT broker: the one door to paho, for the agent and for ingest.

MQTT 3.1.1 or 5, also over TLS and WebSocket, persistent session, QoS 1. A thread of ours drives
paho, so that back-off is jittered and `stop` never waits for it. What was published but not
confirmed when a session ends is forgotten here: its owner has it on disk and sends it again.
"""

import logging
import os
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.broker_settings import BrokerSettings, parse_url
from edge.publish_packet import publish_packet
from edge.refused_sockets import close_refused
from edge.settings import SettingsError
from edge.subscriptions import Subscriptions

# The errors, by what the caller must do:
#
# BrokerError
# ├── BrokerSettingsError (also a SettingsError)   correct the configuration
# ├── BrokerRefusedError                           correct user, password or permission
# └── BrokerUnavailableError                       wait: the session comes back by itself

BACKOFF_S_MIN = 0.5
BACKOFF_S_MAX = 10.0
"""The wait before an attempt to connect is drawn evenly from 0 to a bound that doubles between
these two; a session that stood for the larger one sets it back."""
CONNECT_S_MAX = 5.0
STOP_S_MAX = 2.0
EXPIRY_NEVER = 0xFFFFFFFF
MID_BITS = 16  # of a packet id; a receipt has the number of its session above them
_PUBACK = 0x40

OnMessage = Callable[[str, bytes, int, int, bool], None]
Tap = Callable[[Any, int], Any]  # the socket of a session, its number: what stands in for it

log = logging.getLogger(__name__)
_jitter = random.SystemRandom()


class BrokerError(Exception):
    """Anything that goes wrong between us and the broker."""


class BrokerSettingsError(BrokerError, SettingsError):
    """The configuration of the broker cannot work; the text says what would be right."""


class BrokerRefusedError(BrokerError):
    """The broker answered and refused the session or a subscription; retried meanwhile."""


class BrokerUnavailableError(BrokerError):
    """There is no session at the moment; it is being made again."""


def password_of(settings: BrokerSettings) -> str | None:
    """The password that the settings name. Raises `BrokerSettingsError` if it is not there."""
    if settings.password_env:
        if settings.password_env not in os.environ:
            name = settings.password_env
            raise BrokerSettingsError(f"password_env = {name!r}: no such environment variable")
        return os.environ[settings.password_env]
    if settings.password_file:
        try:
            return Path(settings.password_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            name = settings.password_file
            raise BrokerSettingsError(f"password_file = {name!r}: {error}") from None
    return None


class Connection:
    """One client of a broker, kept connected until `stop`.

    `on_message(topic, payload, qos, receipt, retain)`, `on_published(mid)` (PUBACK) and
    `on_ready(bool)` run in the network thread and must return soon. `subscriptions` are
    (filter, QoS) and are made again on each connect; only when the broker has granted all of
    them is the connection `ready` and takes messages to publish. `session` grows with each
    attempt to connect, so a change tells that a session ended; `session_present` is what the
    broker said of the last one: false means that it has forgotten ours, with what it had queued.
    Filters of an earlier life are ended if `remembered` names a file to keep them in.

    A connection that goes dead without a word is noticed at most two `keepalive_s` + 1 s later.

    With `manual_ack` the broker keeps a QoS 1 message until `acknowledge(receipt)`. The receipt
    carries the session: packet ids start afresh in a new session, and acknowledging an old one
    there would release another message.

    `tap` may take frames out of what paho reads; their owner calls `acknowledge_all`.
    """

    def __init__(
        self, settings: BrokerSettings, client_id: str, *,
        on_message: OnMessage | None = None,
        on_published: Callable[[int], None] | None = None,
        on_ready: Callable[[bool], None] | None = None,
        subscriptions: Sequence[tuple[str, int]] = (),
        will: tuple[str, bytes] | None = None,
        manual_ack: bool = False,
        remembered: Path | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.settings = settings
        self.session = 0
        self.session_present = False
        self.error: BrokerError | None = None
        self._address = parse_url(settings.url)
        self._on_message = on_message
        self._on_published = on_published
        self._on_ready = on_ready
        self._subscriptions = Subscriptions(subscriptions, remembered)
        self._will = will
        self._client_id = client_id
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._session_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked: dict[int, tuple[str, int]] = {}
        self._waiting: set[int] = set()
        self._published = 0
        self._confirmed = 0
        self._ready_s = 0.0
        self._tap = tap
        self._client = self._make_client(manual_ack)

    def _make_client(self, manual_ack: bool) -> Client:
        five, address = self.settings.properties, self._address
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=self._client_id,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            transport="websockets" if address.path else "tcp",
            reconnect_on_failure=False, manual_ack=manual_ack,
        )
        close_refused(client)
        client.connect_timeout = CONNECT_S_MAX
        client.max_inflight_messages_set(0)  # the owner bounds what is in flight
        if address.path:
            client.ws_set_options(path=address.path)
        client.connect_async(
            address.host, address.port, self.settings.keepalive_s,
            clean_start=False if five else MQTT_CLEAN_START_FIRST_ONLY,
            properties=_for_ever() if five else None,
        )
        if self._will:
            client.will_set(self._will[0], self._will[1], qos=1, retain=True)
        client.on_connect = self._connected
        client.on_subscribe = self._granted
        client.on_unsubscribe = self._ended
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.on_publish = self._acknowledged
        client.on_pre_connect = _forget
        # Without this callback paho would write to the socket from the publishing thread while
        # our thread writes too; with it, every byte leaves from the network thread.
        client.on_socket_register_write = lambda _client, _data, _sock: None
        return client

    @property
    def ready(self) -> bool:
        """True while connected with every subscription granted."""
        return self._ready.is_set()

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until `ready`; False if `timeout_s` passed first."""
        return self._ready.wait(timeout_s)

    def start(self) -> None:
        """Begin to connect, without waiting. Raises `BrokerSettingsError` for missing secrets."""
        user = self.settings.user or self._address.user
        if user:
            self._client.username_pw_set(user, password_of(self.settings))
        if self._address.tls:
            self._use_tls()
        name = f"mqtt {self._client_id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _use_tls(self) -> None:
        files = self.settings
        try:
            self._client.tls_set(
                files.ca_file or None, files.cert_file or None, files.key_file or None
            )
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            names = [files.ca_file, files.cert_file, files.key_file]
            text = f"ca_file, cert_file, key_file = {names}: {error}"
            raise BrokerSettingsError(text) from None

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> int:
        """Hand a message to the network thread and return its mid; `on_published` follows.

        Raises `BrokerUnavailableError` while not `ready`: nothing is queued for later.
        """
        with self._session_lock:
            self._need_session()
            self._published += 1
            info = self._client.publish(topic, payload, qos=qos, retain=retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerUnavailableError(f"message not taken: {info.rc.name}")
        return info.mid

    def acknowledge(self, receipts: Iterable[int]) -> int:
        """Tell the broker in one write that messages of QoS 1 are safe; returns of how many. Those
        of a session that is over come again."""
        with self._session_lock:
            mids = [receipt & 0xFFFF for receipt in receipts if receipt >> MID_BITS == self.session]
            self._queue(b"".join(b"\x40\x02" + mid.to_bytes(2) for mid in mids))
            return len(mids)

    def acknowledge_all(self, session: int, packets: bytes) -> bool:
        """Send PUBACK packets of one session in one write; False if that session is over."""
        with self._session_lock:
            if session != self.session:
                return False
            self._queue(packets)
            return True

    def _queue(self, packets: bytes) -> None:
        if packets:  # one packet to paho, written in its turn; it asks nothing of a PUBACK later
            self._client._packet_queue(_PUBACK, packets, 0, 0)

    def publish_all(
        self, messages: Iterable[tuple[str, bytes]], *, retain: bool = False
    ) -> None:
        """Send messages of QoS 0 in one write, about 3 us each; `publish` takes ten times that.

        Raises `BrokerUnavailableError` while not `ready`.
        """
        five = self.settings.properties
        with self._session_lock:
            self._need_session()
            self._queue(b"".join(
                publish_packet(topic, payload, five, retain) for topic, payload in messages
            ))

    def _need_session(self) -> None:
        if not self.ready:
            raise BrokerUnavailableError(str(self.error or "not connected"))

    def stop(self, flush_s: float = STOP_S_MAX) -> None:
        """Wait up to `flush_s` for confirmations, say goodbye (no will) and end the thread."""
        deadline = time.monotonic() + flush_s
        while self.ready and self._confirmed < self._published and time.monotonic() < deadline:
            time.sleep(0.002)
        self._stopping.set()
        with self._session_lock:
            self._client.disconnect()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CONNECT_S_MAX + STOP_S_MAX)

    def _run(self) -> None:
        """Connect, serve the session until it ends, wait, and again."""
        delay_s = BACKOFF_S_MIN
        stood_s = 0.0
        while not self._stopping.is_set():
            with self._session_lock:
                # paho empties its packet queue in `reconnect`: no acknowledgement outlives it.
                self.session += 1
            try:
                self._client.reconnect()
                if self._stopping.is_set():  # `stop` said goodbye before there was a session
                    self._client.disconnect()
                if self._tap:  # nothing of the session was read yet
                    self._client._sock = self._tap(self._client._sock, self.session)
                while self._client.loop(1.0) == MQTTErrorCode.MQTT_ERR_SUCCESS:
                    stood_s = time.monotonic() - self._ready_s if self.ready else 0.0
            except OSError as error:
                self._failed(BrokerUnavailableError(f"{self.settings.url}: {_reason(error)}"))
            self._set_ready(False)
            if stood_s >= BACKOFF_S_MAX:
                delay_s = BACKOFF_S_MIN
            stood_s = 0.0
            with self._session_lock:  # paho leaves them open: the pair that wakes it, and after
                self._client._reset_sockets()  # an error of its own the socket too
            self._stopping.wait(_jitter.uniform(0, delay_s))
            delay_s = min(delay_s * 2, BACKOFF_S_MAX)

    def _failed(self, error: BrokerError) -> None:
        if str(error) != str(self.error) and not self._stopping.is_set():
            log.warning("%s", error)
        self.error = error

    def _set_ready(self, ready: bool) -> None:
        if ready == self.ready:
            return
        if ready:
            self._published = self._confirmed = 0
            self.error = None
            self._ready_s = time.monotonic()
            self._subscriptions.done()
            self._ready.set()
            log.info("connected to %s as %s", self.settings.url, self._client_id)
        else:
            self._ready.clear()
        if self._on_ready:
            self._on_ready(ready)

    def _connected(self, client: Client, _data: Any, flags: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._failed(BrokerRefusedError(f"{self.settings.url} refused the session: {reason}"))
            return
        self.session_present = bool(flags.session_present)
        self._waiting.clear()
        self._asked.clear()
        for topic in self._subscriptions.begin(self.session_present):
            log.info("%s: ends its old subscription to %s", self._client_id, topic)
            self._await(client.unsubscribe(topic)[1])
        for topic, qos in self._subscriptions.wanted:
            mid = self._await(client.subscribe(topic, qos)[1])
            self._asked[mid] = (topic, qos)
        if not self._waiting:
            self._set_ready(True)

    def _await(self, mid: int | None) -> int:
        """Wait for the answer to `mid`; -1, never answered, if the socket took nothing."""
        mid = -1 if mid is None else mid
        self._waiting.add(mid)
        return mid

    def _granted(self, client: Client, _data: Any, mid: int, reasons: Any, _p: Any) -> None:
        granted = reasons[0].value
        topic, asked = self._asked.get(mid, ("", 0))
        if granted > 2 or granted < asked:
            text = (
                f"refused the subscription to {topic}: may this user read it?" if granted > 2 else
                f"grants only QoS {granted} for {topic}, which loses messages; {asked} is needed"
            )
            self._failed(BrokerRefusedError(f"{self.settings.url} {text}"))
            client.disconnect()
            return
        self._ended(client, None, mid, None, None)

    def _ended(self, _client: Client, _data: Any, mid: int, _r: Any, _p: Any) -> None:
        self._waiting.discard(mid)
        if not self._waiting:
            self._set_ready(True)

    def _disconnected(self, _client: Client, _data: Any, _flags: Any, reason: Any, _p: Any) -> None:
        was_ready = self.ready
        self._set_ready(False)
        if was_ready:
            self._failed(BrokerUnavailableError(f"{self.settings.url}: session ended ({reason})"))

    def _received(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if self._on_message is None:
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no topic of ours; its owner counts and acknowledges it
        receipt = self.session << MID_BITS | message.mid
        self._on_message(topic, bytes(message.payload), message.qos, receipt, message.retain)

    def _acknowledged(self, _client: Client, _data: Any, mid: int, _r: Any, _p: Any) -> None:
        self._confirmed += 1
        if self._on_published:
            self._on_published(mid)


def _for_ever() -> Properties:
    """A session of MQTT 5 that the broker keeps, as it does those of 3.1.1."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = EXPIRY_NEVER
    return properties


def _forget(client: Client, _data: Any) -> None:
    """Drop what the last session left: paho would send it before our subscriptions stand."""
    client.drop_out_messages()


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted ({error.verify_message})"
    return error.strerror or str(error)
