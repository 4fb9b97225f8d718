"""`cityvitals doctor --broker URL`: what a running broker would lose, measured on it.

Everything happens under a topic of its own, `cv/1/doctor/…`, with sessions of its own, which are
ended afterwards. What only shows when a broker is killed cannot be asked of a running one.
"""

import json
import secrets
import ssl
import sys
from collections.abc import Generator, Iterator
from typing import NamedTuple

from cityvitals import mqtt_probe
from cityvitals.mqtt_probe import Probe, ProbeError, Welcome
from edge.broker_settings import BrokerSettings, parse_url
from edge.connection import password_of
from edge.settings import SettingsError
from edge.wire import PAYLOAD_BYTES_MAX

BASE = "cv/1/doctor"
IN_FLIGHT_TRIED = 2_000
IN_FLIGHT_NEEDED = 1_000
"""Ingest acknowledges about 20 times a second: this many at a time are 20,000 messages/s."""
QUEUE_TRIED = 10_000
OTHERS_TRIED = 32
"""As many tables `[[foreign]]` as ingest takes."""
QUIET_S = 0.7
"""A broker that has more to send does so within this,"""
BUSY_S = 3.0
"""or within this on a busy machine: asked where a pause would be taken for a limit or a loss."""
EXPIRY_S_MIN = 8 * 86_400
"""Readings count as late for 8 days; a session should wait as long."""
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"
EXPIRED_TOPIC = "$SYS/broker/clients/expired"
PACKET_BYTES_NEEDED = PAYLOAD_BYTES_MAX + 300
"""A payload of ours with its topic."""
_CODES = {1: "MQTT 3.1.1 is not spoken", 2: "the client id is refused", 3: "it is not available",
          4: "user or password is wrong", 5: "this user may not connect"}


class Check(NamedTuple):
    """One line of the report. `state`: ok, warn (works, but holds up or hides something) or bad
    (loses data); `text` says what was measured and the way out."""

    what: str
    state: str
    text: str


class _Patient:
    """The broker under examination and how to connect to it."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.url = settings.url
        self._address = parse_url(settings.url)
        if self._address.path:
            raise SettingsError(
                f"url = {settings.url!r}: name the port that the same broker has for mqtt:// or "
                "mqtts://; WebSockets are not measured"
            )
        self._user = settings.user or self._address.user
        self._password = password_of(settings) if self._user else None
        self._context = _context(settings) if self._address.tls else None
        token = secrets.token_hex(4)
        self.base = f"{BASE}/{token}"
        self._name = f"cv-doctor-{token}"
        self.open: list[Probe] = []

    def connect(
        self, part: str, *, clean: bool, level: int = mqtt_probe.V311
    ) -> tuple[Probe, Welcome]:
        """A new connection and what the broker said to it."""
        probe = Probe(self._address, self._context)
        self.open.append(probe)
        return probe, probe.connect(
            f"{self._name}-{part}", clean=clean, user=self._user, password=self._password,
            level=level,
        )

    def clean_up(self) -> None:
        """Close everything and end the sessions that were kept."""
        self._close()
        for part, level in (("reader", mqtt_probe.V311), ("five", mqtt_probe.V5)):
            try:
                self.connect(part, clean=True, level=level)
            except ProbeError:
                continue  # the broker that does not let us in keeps no session either
            finally:
                self._close()

    def _close(self) -> None:
        while self.open:
            self.open.pop().close()


def _context(settings: BrokerSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file or None)
    except OSError as error:
        names = [settings.ca_file, settings.cert_file, settings.key_file]
        raise SettingsError(f"ca_file, cert_file, key_file = {names}: {error}") from None
    return context


def checks(settings: BrokerSettings) -> list[Check]:
    """Everything that was measured. Raises `SettingsError` for a missing secret or file."""
    patient = _Patient(settings)
    found: list[Check] = []
    try:
        for check in _examine(patient):
            found.append(check)
    except ProbeError as error:
        found.append(Check("connection", "bad", f"{patient.url}: {error}; the checks end here"))
    finally:
        patient.clean_up()
    return found


def _examine(patient: _Patient) -> Iterator[Check]:
    writer, welcome = patient.connect("writer", clean=True)
    if welcome.code:
        why = _CODES.get(welcome.code, f"code {welcome.code}")
        yield Check("connect", "bad", f"{patient.url} refuses us: {why}")
        return
    yield Check("connect", "ok", f"{patient.url} takes the session")
    yield from _counters(patient)
    reader, _ = patient.connect("reader", clean=False)
    granted = reader.subscribe(f"{patient.base}/#", 1)
    yield _granted(patient, granted)
    if granted != 1:
        return
    yield _filters(patient)
    yield from _five(patient)
    try:
        came = yield from _in_flight(patient, writer, reader)
        if not came:
            return
        reader.close()
        yield from _offline(patient, writer, min(came, IN_FLIGHT_NEEDED))
    except ProbeError as error:
        yield Check("queue", "bad", f"{error} while up to {QUEUE_TRIED:,} small messages waited "
                    "for a client, as a NATS server does when its store is full: raise "
                    "max_file_store; the checks end here")
        return
    yield _retained(patient)
    yield _large(patient)


def _granted(patient: _Patient, granted: int) -> Check:
    if granted == 1:
        return Check("quality", "ok", "QoS 1 is granted as asked")
    if granted == 0:
        return Check("quality", "bad", "only QoS 0 is granted, which loses what ingest does not "
                     "take at once; allow QoS 1 (Mosquitto: max_qos)")
    return Check("quality", "bad", f"the subscription to {patient.base}/# is refused; allow this "
                 f"user to read and write {BASE}/#, or name one who may")


def _filters(patient: _Patient) -> Check:
    """How many filters of other publishers a session has room for beside our own."""
    probe, _ = patient.connect("filters", clean=True)
    probe.subscribe(f"{patient.base}/own/#", 1)
    others = 0
    while others < OTHERS_TRIED and probe.subscribe(f"{patient.base}/o{others}/+", 1) == 1:
        others += 1
    if others:
        more = "" if others < OTHERS_TRIED else "at least "
        return Check("filters", "ok", f"{more}{others} filters of other publishers are granted "
                     "beside ours")
    return Check("filters", "warn", "no filter of other publishers ([[foreign]] in ingest.toml) is "
                 "granted beside ours, and ingest would take nothing in; NATS counts "
                 "max_ack_pending for each filter: lower it")


def _counters(patient: _Patient) -> Iterator[Check]:
    """What the broker itself has counted as lost, before we make it lose more."""
    count = _counter(patient, DROPPED_TOPIC)
    if count is None:
        yield Check("dropped", "ok", "the broker tells this user no count of dropped messages")
    elif count:
        yield Check("dropped", "warn", f"the broker has thrown away {count:,} messages since its "
                    "start; what it queues is too little, see below")
    else:
        yield Check("dropped", "ok", "the broker has thrown away nothing since its start")
    ended = _counter(patient, EXPIRED_TOPIC)
    if ended:
        yield Check("expired", "warn", f"the broker has ended {ended:,} sessions of clients that "
                    "were away, with all that waited for them: see its "
                    "persistent_client_expiration")


def _counter(patient: _Patient, topic: str) -> int | None:
    """A counter of the broker, None where it has none or does not tell this user."""
    probe, _ = patient.connect("counters", clean=True)
    if probe.subscribe(topic, 0) > 2:
        return None
    said = probe.receive(1, QUIET_S, acknowledge=False)
    return int(said[0].payload) if said and said[0].payload.isdigit() else None


def _five(patient: _Patient) -> Iterator[Check]:
    """The broker's limits as it states them to a client of MQTT 5."""
    try:
        _, welcome = patient.connect("five", clean=False, level=mqtt_probe.V5)
    except ProbeError:
        welcome = Welcome(1, False, {})
    if welcome.code:
        yield Check("expiry", "ok", "not stated: the broker speaks MQTT 3.1.1 only; see its "
                    "configuration for how long it keeps a session")
        return
    said = welcome.properties
    expiry_s = said.get(mqtt_probe.SESSION_EXPIRY)
    if expiry_s is None:
        yield Check("expiry", "ok", "no end of sessions is stated; Mosquitto does not state its "
                    "persistent_client_expiration: where that is set, make it 8 days or more")
    elif expiry_s < EXPIRY_S_MIN:
        yield Check("expiry", "warn", f"sessions end after {expiry_s / 86_400:.1f} days; an ingest "
                    "away longer loses what waited for it: allow 8 days")
    else:
        never = expiry_s == mqtt_probe.EXPIRY_NEVER
        kept = "for ever" if never else f"for {expiry_s / 86_400:.0f} days"
        yield Check("expiry", "ok", f"sessions are kept {kept}, as the broker states it")
    if said.get(mqtt_probe.QOS_MAX, 2) < 1:
        yield Check("quality stated", "bad", "the broker takes QoS 0 only, which loses messages; "
                    "allow QoS 1 (Mosquitto: max_qos)")
    packet = said.get(mqtt_probe.PACKET_MAX, 1 << 28)
    if packet < PACKET_BYTES_NEEDED:
        yield Check("packet stated", "bad", f"packets over {packet:,} bytes are refused; ours have "
                    f"up to {PACKET_BYTES_NEEDED:,} (Mosquitto: max_packet_size)")


def _in_flight(patient: _Patient, writer: Probe, reader: Probe) -> Generator[Check, None, int]:
    """How many messages come before the first is acknowledged; 0 if none comes at all."""
    payloads = [b"%d" % n for n in range(IN_FLIGHT_TRIED)]
    confirmed = writer.publish(f"{patient.base}/flight", payloads)
    came = len(reader.receive(IN_FLIGHT_TRIED, BUSY_S, acknowledge=True))
    if came == IN_FLIGHT_TRIED:
        yield Check("in flight", "ok", f"at least {came:,} messages come before the first "
                    "acknowledgement")
    elif not came:
        yield Check("in flight", "bad", f"{confirmed:,} messages are confirmed and none arrives: "
                    f"allow this user to read and write {BASE}/#, or name one who may")
    elif came >= IN_FLIGHT_NEEDED:
        yield Check("in flight", "ok", f"{came:,} messages come before the first acknowledgement")
    else:
        yield Check("in flight", "warn", f"only {came:,} messages come before the first "
                    "acknowledgement, and ingest acknowledges after each sync of its archive: "
                    f"allow {IN_FLIGHT_NEEDED:,} or more (Mosquitto: max_inflight_messages, NATS: "
                    "max_ack_pending)")
    while 0 < came < IN_FLIGHT_TRIED and reader.receive(came, QUIET_S, acknowledge=True):
        continue  # the rest, so that the next check begins with nothing waiting
    return came


def _offline(patient: _Patient, writer: Probe, at_once: int) -> Iterator[Check]:
    """What is kept for a session whose client is away; `at_once`: messages that come unasked."""
    payloads = [b"%d" % n for n in range(QUEUE_TRIED)]
    confirmed = writer.publish(f"{patient.base}/queue", payloads)
    reader, welcome = patient.connect("reader", clean=False)
    if not welcome.present:
        yield Check("session", "bad", "the broker forgets a session when its client leaves, and "
                    "what waited with it; allow persistent sessions")
        reader.subscribe(f"{patient.base}/#", 1)
        return
    yield Check("session", "ok", "the session is still there after a reconnect")
    kept: set[bytes] = set()
    while len(kept) < QUEUE_TRIED and (came := (
        reader.receive(at_once, QUIET_S, acknowledge=True)
        or reader.receive(at_once, BUSY_S, acknowledge=True)
    )):
        kept.update(row.payload for row in came if row.topic.endswith("/queue"))
    if len(kept) == QUEUE_TRIED:
        yield Check("queue", "ok", f"all {QUEUE_TRIED:,} messages sent while the client was away "
                    "were kept")
    else:
        yield Check("queue", "bad", f"of {confirmed:,} messages confirmed while the client was "
                    f"away {len(kept):,} were kept and the others thrown away: raise the limit "
                    "(Mosquitto: max_queued_messages and max_queued_bytes)")


def _retained(patient: _Patient) -> Check:
    topic = f"{patient.base}/retained"
    writer, _ = patient.connect("retaining", clean=True)
    try:
        writer.publish(topic, [b"kept"], retain=True)
        probe, _ = patient.connect("late", clean=True)
        probe.subscribe(topic, 1)
        came = probe.receive(1, BUSY_S, acknowledge=True)
        writer.publish(topic, [b""], retain=True)
    except ProbeError:
        came = []  # some brokers end the connection that publishes one
    if came and came[0].retain and came[0].payload == b"kept":
        return Check("retained", "ok", "retained messages are kept")
    return Check("retained", "warn", "retained messages are not kept, so that indicators and "
                 "device states are unknown until the next one; allow them (Mosquitto: "
                 "retain_available)")


def _large(patient: _Patient) -> Check:
    """The largest payload that ingest takes, last: a broker may cut the connection on it."""
    topic = f"{patient.base}/large"
    reader, _ = patient.connect("reader", clean=False)
    writer, _ = patient.connect("large", clean=True)
    way_out = "(Mosquitto: max_packet_size, message_size_limit; NATS: max_payload)"
    try:
        confirmed = writer.publish(topic, [b"x" * PAYLOAD_BYTES_MAX])
    except ProbeError:
        return Check("payload", "bad", f"a payload of {PAYLOAD_BYTES_MAX:,} bytes ends the "
                     f"connection; the agent sets such a message aside: allow it {way_out}")
    while came := reader.receive(1, BUSY_S, acknowledge=True):
        if len(came[0].payload) == PAYLOAD_BYTES_MAX:
            return Check("payload", "ok", f"a payload of {PAYLOAD_BYTES_MAX:,} bytes passes")
    said = "is confirmed and thrown away" if confirmed else "is not confirmed"
    return Check("payload", "bad", f"a payload of {PAYLOAD_BYTES_MAX:,} bytes {said}: allow it "
                 f"{way_out}")


def examine(
    url: str, password_env: str, password_file: str, ca_file: str, as_json: bool
) -> int:
    """Print the checks; the exit status is 1 if one found that data is lost."""
    try:
        settings = BrokerSettings(
            url=url, password_env=password_env, password_file=password_file, ca_file=ca_file
        )
    except ValueError as error:
        raise SettingsError(f"--broker: {error}") from None
    found = checks(settings)
    if as_json:
        json.dump([row._asdict() for row in found], sys.stdout, ensure_ascii=False)
        print()
    else:
        for row in found:
            print(f"{row.state:4} {row.what:16} {row.text}")
    return int(any(row.state == "bad" for row in found))
