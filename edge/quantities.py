"""What is measured: one table of quantities and units for edge, engine and dashboards.

Spans are the project defaults of `docs/quantities.md` (specification 5.3): a value outside
`impossible` is refused, one outside `implausible` is kept with the QARTOD flag 3 (suspect).
"""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["mean", "count", "register", "rms", "level"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row of the table; limits are in `unit`.

    `units` maps each accepted unit to (factor, offset): canonical = value * factor + offset.
    `kind` says how readings combine in a pane: their mean, a count per interval, a register that
    only grows, the root of the mean square, or a sound level, which is averaged as energy. `digits`
    is the resolution shown to people. `spike`: how far a reading may lead away from both its
    neighbours before it is suspect, and fails; `rate_min`: the change a minute from which it is
    suspect; `flat`: minutes without a range of so much, from which the sensor seems stuck,
    but for one that stays at `rest`: a road may be empty all night.
    """

    id: str
    name: str
    unit: str
    symbol: str
    impossible: tuple[float, float]
    implausible: tuple[float, float]
    units: dict[str, tuple[float, float]] = field(default_factory=dict)
    kind: Kind = "mean"
    digits: int = 1
    spike: tuple[float, float] | None = None
    rate_min: float | None = None
    flat: tuple[int, float] | None = None
    rest: float | None = None

    def accepts(self, unit: str | None) -> tuple[float, float] | None:
        """Factor and offset for `unit` (None: the canonical unit), or None if refused."""
        if unit is None or unit == self.unit:
            return (1.0, 0.0)
        return self.units.get(unit)


_MICROGRAM = {"µg/m3": (1.0, 0.0), "mg/m3": (1000.0, 0.0)}

_ROWS = (
    Quantity(
        "pm25", "PM2.5", "ug/m3", "µg/m³", (-15, 1000), (0, 500), _MICROGRAM,
        spike=(50, 100), rate_min=200, flat=(60, 0.1),
    ),
    Quantity(
        "pm10", "PM10", "ug/m3", "µg/m³", (-15, 2000), (0, 1000), _MICROGRAM,
        spike=(100, 200), rate_min=400, flat=(60, 0.1),
    ),
    Quantity(
        "no2", "NO₂", "ppb", "ppb", (-10, 2500), (0, 300), {"ppm": (1000.0, 0.0)},
        spike=(50, 100), rate_min=100, flat=(120, 0.1),
    ),
    Quantity(
        "o3", "O₃", "ppb", "ppb", (-10, 1000), (0, 300), {"ppm": (1000.0, 0.0)},
        spike=(50, 100), rate_min=100, flat=(120, 0.1),
    ),
    Quantity(
        "so2", "SO₂", "ppb", "ppb", (-10, 2000), (0, 500), {"ppm": (1000.0, 0.0)},
        spike=(50, 100), rate_min=100, flat=(120, 0.1),
    ),
    Quantity(
        "co", "CO", "ppm", "ppm", (-1, 100), (0, 50), {"ppb": (0.001, 0.0)}, digits=2,
        spike=(5, 10), rate_min=20,
    ),
    Quantity(
        "temp", "Temperature", "degC", "°C", (-40, 60), (-30, 50), {"K": (1.0, -273.15)},
        spike=(3, 6), rate_min=3, flat=(180, 0.05),
    ),
    Quantity(
        "rh", "Relative humidity", "%", "%", (0, 100), (2, 99), {"1": (100.0, 0.0)},
        spike=(10, 20), rate_min=10, flat=(180, 0.05),
    ),
    Quantity(
        "speed", "Speed", "km/h", "km/h", (0, 250), (0, 180),
        {"mph": (1.609344, 0.0), "m/s": (3.6, 0.0)},
    ),
    Quantity("count", "Vehicles", "veh", "veh", (0, 3000), (0, 1500), kind="count", digits=0),
    Quantity(
        "occupancy", "Occupancy", "1", "1", (0, 1), (0, 0.95), {"%": (0.01, 0.0)}, digits=3,
        flat=(240, 0.00005), rest=0.0,
    ),
    Quantity(
        "power", "Active power", "kW", "kW", (-1e6, 1e6), (-1e5, 1e5),
        {"W": (0.001, 0.0), "MW": (1000.0, 0.0)}, digits=2,
    ),
    Quantity(
        "energy", "Energy register", "kWh", "kWh", (0, 1e9), (0, 1e9),
        {"Wh": (0.001, 0.0), "MWh": (1000.0, 0.0)}, kind="register", digits=2,
    ),
    Quantity(
        "voltage", "Voltage", "V", "V", (0, 460), (195.5, 264.5), kind="rms",
        flat=(60, 0.01),
    ),
    Quantity(
        "laeq", "Sound level", "dB(A)", "dB(A)", (20, 140), (25, 120), kind="level",
        rate_min=3600, flat=(30, 0.1),
    ),
    Quantity(
        "generation", "Generation by source", "kW", "kW", (0, 1e8), (0, 1e7),
        {"W": (0.001, 0.0), "MW": (1000.0, 0.0)}, digits=2,
    ),
    Quantity(
        "reactive", "Reactive power", "kvar", "kvar", (-1e6, 1e6), (-1e5, 1e5),
        {"var": (0.001, 0.0), "Mvar": (1000.0, 0.0)}, digits=2,
    ),
    Quantity("current", "Current", "A", "A", (0, 1e5), (0, 1e4), {"mA": (0.001, 0.0)}, "rms"),
    Quantity("frequency", "Frequency", "Hz", "Hz", (0, 100), (45, 65), digits=3),
    Quantity("thd", "Harmonic distortion of voltage", "%", "%", (0, 100), (0, 20), kind="rms"),
    Quantity("angle", "Phase angle of voltage", "deg", "°", (-360, 360), (-180, 180)),
    Quantity("pst", "Short-term flicker", "1", "", (0, 100), (0, 10), digits=2),
)

QUANTITIES: dict[str, Quantity] = {row.id: row for row in _ROWS}
INDEX: dict[str, int] = {row.id: i for i, row in enumerate(_ROWS)}
"""Position of each quantity; stored in snapshots, so rows are only appended."""
