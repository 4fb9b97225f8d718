"""The table of quantities."""

from pathlib import Path

import pytest

from edge.quantities import INDEX, QUANTITIES
from edge.topics import is_id

GOLDEN = Path(__file__).parent / "golden" / "quantities.txt"


def listed() -> str:
    lines = ["index id unit kind impossible implausible accepted(factor,offset)"]
    for row in QUANTITIES.values():
        units = " ".join(f"{unit}({a:g},{b:g})" for unit, (a, b) in row.units.items())
        spans = f"{row.impossible[0]:g}..{row.impossible[1]:g} " + (
            f"{row.implausible[0]:g}..{row.implausible[1]:g}"
        )
        lines.append(f"{INDEX[row.id]} {row.id} {row.unit} {row.kind} {spans} {units}".rstrip())
    return "\n".join(lines) + "\n"


def test_golden() -> None:
    assert listed() == GOLDEN.read_text()


@pytest.mark.parametrize("row", QUANTITIES.values(), ids=lambda row: row.id)
def test_row_is_sound(row: object) -> None:
    from edge.quantities import Quantity

    assert isinstance(row, Quantity)
    assert is_id(row.id)
    assert row.impossible[0] <= row.implausible[0] < row.implausible[1] <= row.impossible[1]
    assert row.unit not in row.units
    assert all(factor > 0 for factor, _ in row.units.values())
    assert row.accepts(None) == row.accepts(row.unit) == (1.0, 0.0)
    assert row.accepts("furlong") is None


@pytest.mark.parametrize(("quantity", "unit", "value", "canonical"), [
    ("pm25", "mg/m3", 0.0125, 12.5), ("pm25", "µg/m3", 12.5, 12.5), ("no2", "ppm", 0.05, 50.0),
    ("co", "ppb", 900.0, 0.9), ("temp", "K", 273.15, 0.0), ("speed", "mph", 60.0, 96.56064),
    ("speed", "m/s", 10.0, 36.0), ("occupancy", "%", 12.0, 0.12), ("power", "MW", 1.5, 1500.0),
    ("energy", "Wh", 1500.0, 1.5), ("rh", "1", 0.5, 50.0),
])
def test_units_convert(quantity: str, unit: str, value: float, canonical: float) -> None:
    pair = QUANTITIES[quantity].accepts(unit)
    assert pair is not None
    assert value * pair[0] + pair[1] == pytest.approx(canonical, rel=1e-12, abs=1e-9)


def test_documentation_has_every_row() -> None:
    text = (Path(__file__).parents[1] / "docs" / "quantities.md").read_text()
    for row in QUANTITIES.values():
        assert f"| `{row.id}` |" in text
