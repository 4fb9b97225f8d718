"""The configuration of ingest: one TOML file, see `cityvitals/examples/ingest.toml`."""

from typing import Literal

import msgspec

from edge.broker_settings import BrokerSettings
from edge.settings import Section
from engine.registry import GROUP_MIN
from ingest.retention import KEPT_DAYS_MIN
from ingest.settings_foreign import ForeignSettings, check_all
from ingest.settings_influx import InfluxSettings

ARCHIVE_BYTES_MIN = 1 << 20


class IngestSettings(Section):
    """Everything ingest is told.

    data: folder of archive, snapshot and store, relative to the file. places: the places file,
    relative to the file. clock: `wall` for sensors, `recorded` for a replay, whose messages
    carry their own receive time. grace_s: how long after its end a window waits for series that
    have not delivered. k: private stations leave only in groups of so many. open_every_s: how
    often windows in progress are computed at most.
    archive_days, archive_bytes_max: how long, and up to what size, the archive is kept.
    publish_indicators: whether closed indicators go out over MQTT, retained. keep_points_days:
    how long the embedded store keeps points. influx: where else points go. foreign: topics of
    publishers that do not speak our wire format.
    """

    data: str = "."
    places: str = "places.csv"
    clock: Literal["wall", "recorded"] = "wall"
    client_id: str = "cityvitals-ingest"
    grace_s: int = 60
    k: int = GROUP_MIN
    open_every_s: float = 0.1
    snapshot_every_s: float = 300.0
    archive_days: int = 400
    archive_bytes_max: int = 20 << 30
    publish_indicators: bool = True
    keep_points_days: int = 400
    broker: BrokerSettings = msgspec.field(default_factory=BrokerSettings)
    influx: InfluxSettings | None = None
    foreign: list[ForeignSettings] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        """Check what can be checked without I/O. Raises ValueError."""
        spans = {
            "grace_s": (self.grace_s, 0, 86_400),
            "k": (self.k, 2, 10_000),
            "open_every_s": (self.open_every_s, 0.05, 3600),
            "snapshot_every_s": (self.snapshot_every_s, 1, 86_400),
            "archive_days": (self.archive_days, KEPT_DAYS_MIN, 36_500),
            "archive_bytes_max": (self.archive_bytes_max, ARCHIVE_BYTES_MIN, 1 << 50),
            "keep_points_days": (self.keep_points_days, 9, 36_500),
        }
        for name, (value, low, high) in spans.items():
            if not low <= value <= high:
                raise ValueError(f"{name} = {value} must lie between {low} and {high}")
        check_all(self.foreign, self.clock)
