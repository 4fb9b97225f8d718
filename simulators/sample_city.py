"""The sample that comes with Cityvitals: one week of real readings, a city put together.

What it is made of, its licences, and what was done to it stands in `samples/PROVENANCE.md`.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent / "samples"


def recording() -> Path:
    """The recorded readings (`edge.recorded`), gzipped CSV."""
    return _FOLDER / "sample.csv.gz"


def places() -> Path:
    """The places file (`edge.places`) of the sample."""
    return _FOLDER / "sample_places.csv"
