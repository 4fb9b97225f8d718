"""Latest readings as rows, for tests; ingest hands the store columns."""

from collections.abc import Sequence

import numpy as np

from ingest.store import Reading, Store
from ingest.store_now import LatestReadings


def write_readings(store: Store, rows: Sequence[Reading]) -> None:
    """`Store.write_latest` of rows, no sensor twice."""
    if rows:
        sensor = store.sensors([(row.path, row.device, row.quantity, row.channel) for row in rows])
        columns = (np.array(column) for column in zip(*(row[4:] for row in rows), strict=True))
        store.write_latest(LatestReadings(sensor, *columns))
