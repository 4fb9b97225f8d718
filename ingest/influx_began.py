"""When a server's process began, as it tells in the metrics that Prometheus reads.

InfluxDB 1.4 and later and 2.x tell it at `/metrics`, in the gauge that every Go program has.
"""

import re

METRICS_BYTES_MAX = 4 << 20
"""Of an answer no more is read; the whole of it is 6 KB from 1.6, 100 KB from 2.7."""
_MS_MAX = 1 << 53
_BEGAN = re.compile(rb"^process_start_time_seconds ([0-9.]{1,20}(?:e\+?[0-9]{1,2})?)\s*$", re.M)


def began_ms(metrics: bytes) -> int:
    """Milliseconds since 1970, to some ten of them; 0 if `metrics` do not tell."""
    found = _BEGAN.search(metrics)
    try:
        began = float(found[1]) * 1000 if found else 0.0
    except ValueError:
        return 0
    return round(began) if began < _MS_MAX else 0
