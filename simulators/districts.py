"""Who lives where in simville: its three districts and 72 stations, as data.

The city does not exist. It has public infrastructure only: street-side air stations, road
segments, and the feeders and transformers of its distribution grid. The numbers beside each
name say how strongly a station feels what the model computes for all.
"""

from dataclasses import dataclass
from datetime import date
from math import cos, pi, radians, sin, sqrt

from edge.facts import Fact

CITY = "simville"
ZONE = "Europe/Berlin"
FOUNDED = date(2024, 1, 1)
CENTRE_LAT = 54.00
CENTRE_LON = 12.00
KILOMETRES_PER_DEGREE = 111.2

AIR_QUANTITIES = ("pm25", "pm10", "no2", "o3", "temp", "rh")
KERB_SOUND_MIN = 0.5
"""Air stations this near to traffic have a sound level meter, too."""
ROAD_QUANTITIES = ("speed", "count")
FEEDER_QUANTITIES = ("power", "voltage")
ROAD_CLASSES_KMH = (
    (80.0, "freeway"), (70.0, "urban-1"), (60.0, "urban-2"), (50.0, "urban-3"), (0.0, "urban-4"),
)
FREEWAY_LANE_VPH, STREET_LANE_VPH = 1800.0, 900.0
OCCUPANTS = 1.3
"""Persons a car: invented, of the size that surveys of travel find."""


@dataclass(frozen=True, slots=True)
class Station:
    """One station with its one device.

    `quantities` are ids of `edge.quantities`. Road attributes are 0 elsewhere. The last fields
    are the model's: `kerb` 0..1 how near to traffic, `smoke` how much particle matter against
    the city's mean, `ships` 0..1 how near to quays; `load` the demand over capacity at the peak,
    `morning` the share of that peak that comes in the morning; `rated_kw`, and `homes`, `shops`,
    `works` the shares of its customers; `source` and `plant_kw` are of a plant that feeds in there.
    """

    kind: str
    district: str
    station: str
    name: str
    lat: float
    lon: float
    quantities: tuple[str, ...]
    length_km: float = 0.0
    lanes: int = 0
    posted_kmh: float = 0.0
    customers: int = 0
    kerb: float = 0.0
    smoke: float = 0.0
    ships: float = 0.0
    load: float = 0.0
    morning: float = 0.0
    rated_kw: float = 0.0
    homes: float = 0.0
    shops: float = 0.0
    works: float = 0.0
    source: str = ""
    plant_kw: float = 0.0
    tz: str = ZONE

    @property
    def road_class(self) -> str:
        """Class of HCM 2000 by the posted limit; empty where there is no road."""
        if not self.lanes:
            return ""
        return next(name for limit, name in ROAD_CLASSES_KMH if self.posted_kmh >= limit)

    @property
    def capacity_vph(self) -> float:
        """Vehicles an hour that all lanes together can carry."""
        lane = FREEWAY_LANE_VPH if self.road_class == "freeway" else STREET_LANE_VPH
        return lane * self.lanes

    @property
    def device(self) -> str:
        """Id of the device, unique in the city; also its MQTT client id."""
        return f"sim-{self.district}-{self.station}"

    @property
    def path(self) -> str:
        """How the system writes the place: `harbour/air-01`."""
        return f"{self.district}/{self.station}"


@dataclass(frozen=True, slots=True)
class District:
    """A district: where its middle lies from the city's (km east, km north), its reach, and how
    many people live there."""

    id: str
    name: str
    east_km: float
    north_km: float
    wide_km: float
    high_km: float
    warmer_c: float
    people: int


DISTRICTS = (
    District("harbour", "Harbour", -0.6, 3.4, 3.0, 1.2, 0.2, 2_100),
    District("centre", "Centre", 0.0, 0.0, 1.9, 1.7, 1.0, 9_400),
    District("hills", "Hills", 1.2, -4.3, 3.2, 2.1, -1.6, 7_300),
)

# name, kerb, smoke, ships, further quantities
_AIR: dict[str, tuple[tuple[str, float, float, float, tuple[str, ...]], ...]] = {
    "harbour": (
        ("Quay Street", 0.8, 1.0, 0.8, ("co", "so2")),
        ("Bulk Terminal", 0.4, 3.0, 1.0, ("so2",)),
        ("Ferry Landing", 0.5, 1.1, 0.9, ("so2",)),
        ("Fish Market", 0.3, 0.9, 0.4, ()),
        ("Dockside School", 0.2, 0.8, 0.3, ()),
        ("Lighthouse", 0.0, 0.5, 0.2, ()),
        ("Shipyard Gate", 0.4, 1.6, 0.7, ("so2",)),
        ("Warehouse Row", 0.6, 1.1, 0.4, ()),
        ("Customs House", 0.7, 1.0, 0.4, ("co",)),
        ("Breakwater", 0.0, 0.45, 0.3, ()),
    ),
    "centre": (
        ("Market Square", 0.5, 1.0, 0.1, ()),
        ("Station Forecourt", 0.9, 1.2, 0.1, ("co",)),
        ("Ring Road North", 1.0, 1.5, 0.2, ("co",)),
        ("Ring Road South", 0.9, 1.2, 0.0, ()),
        ("Cathedral", 0.4, 0.9, 0.1, ()),
        ("University", 0.35, 0.85, 0.0, ()),
        ("Town Hall", 0.6, 1.0, 0.1, ()),
        ("Bus Depot", 0.8, 2.1, 0.0, ("co",)),
        ("City Park", 0.1, 0.6, 0.0, ()),
        ("Hospital", 0.4, 0.85, 0.0, ("so2",)),
    ),
    "hills": (
        ("Upper Village", 0.1, 0.6, 0.0, ()),
        ("Observatory", 0.0, 0.4, 0.0, ()),
        ("Vineyard Lane", 0.1, 0.55, 0.0, ()),
        ("Woodland Edge", 0.0, 0.35, 0.0, ()),
        ("Reservoir", 0.05, 0.45, 0.0, ()),
        ("Hillside School", 0.2, 0.65, 0.0, ()),
        ("Old Quarry", 0.1, 1.2, 0.0, ()),
        ("Valley Road", 0.6, 1.0, 0.0, ("co",)),
        ("South Junction", 0.7, 0.95, 0.0, ()),
        ("Stove Street", 0.2, 2.5, 0.0, ()),
    ),
}

# name, posted km/h, lanes, km, load at the peak, share of the morning
_ROADS: dict[str, tuple[tuple[str, float, int, float, float, float], ...]] = {
    "harbour": (
        ("Harbour Tunnel southbound", 80, 2, 2.1, 1.12, 1.0),
        ("Harbour Tunnel northbound", 80, 2, 2.1, 1.08, 0.6),
        ("Quay Street", 50, 2, 0.9, 0.95, 0.8),
        ("Container Road", 60, 2, 1.8, 0.80, 0.9),
        ("Ferry Approach", 50, 1, 0.7, 0.72, 0.7),
        ("Dock Street", 30, 1, 0.5, 0.45, 0.7),
        ("Fish Market Lane", 30, 1, 0.4, 0.50, 1.0),
        ("Coast Road", 70, 1, 2.6, 0.62, 0.8),
    ),
    "centre": (
        ("Ring Road North", 50, 3, 1.3, 1.22, 0.9),
        ("Ring Road South", 50, 3, 1.4, 1.17, 0.8),
        ("Station Street", 50, 2, 0.8, 1.10, 0.9),
        ("Bridge Street", 50, 2, 0.6, 1.26, 1.0),
        ("University Avenue", 50, 2, 1.0, 0.82, 1.0),
        ("Cathedral Lane", 30, 1, 0.4, 0.52, 0.5),
        ("Market Street", 30, 1, 0.5, 0.66, 0.4),
        ("Hospital Road", 50, 1, 0.9, 0.78, 0.8),
    ),
    "hills": (
        ("Southern Motorway inbound", 100, 3, 3.2, 1.05, 1.0),
        ("Southern Motorway outbound", 100, 3, 3.2, 1.03, 0.5),
        ("Valley Road", 70, 1, 2.4, 0.98, 0.9),
        ("Serpentine", 50, 1, 1.9, 0.40, 0.8),
        ("Vineyard Lane", 50, 1, 1.2, 0.35, 0.7),
        ("School Hill", 30, 1, 0.6, 0.74, 1.0),
        ("Quarry Road", 60, 1, 1.5, 0.48, 0.9),
        ("Reservoir Road", 70, 1, 2.2, 0.30, 0.6),
    ),
}

# name, rated kW, shares of homes, shops and works, energy register, customers
_FEEDERS: dict[str, tuple[tuple[str, float, float, float, float, bool, int], ...]] = {
    "harbour": (
        ("Shore power feeder", 4000, 0.0, 0.2, 0.8, True, 12),
        ("Cold store transformer", 1600, 0.0, 0.3, 0.7, False, 4),
        ("Dock feeder A", 3200, 0.2, 0.3, 0.5, False, 310),
        ("Dock feeder B", 3200, 0.3, 0.3, 0.4, False, 420),
        ("Quay Street transformer", 630, 0.4, 0.6, 0.0, False, 190),
        ("Pumping station transformer", 400, 0.0, 0.0, 1.0, False, 1),
    ),
    "centre": (
        ("Old town feeder", 5000, 0.4, 0.6, 0.0, False, 2600),
        ("Station feeder", 4000, 0.2, 0.8, 0.0, False, 900),
        ("Tram rectifier", 1000, 0.0, 0.7, 0.3, False, 1),
        ("Hospital transformer", 1600, 0.0, 0.6, 0.4, True, 1),
        ("University feeder", 3200, 0.1, 0.8, 0.1, False, 240),
        ("Market hall transformer", 400, 0.0, 1.0, 0.0, False, 28),
    ),
    "hills": (
        ("Upper Village transformer", 630, 0.95, 0.05, 0.0, False, 210),
        ("Valley feeder", 2500, 0.8, 0.15, 0.05, False, 1450),
        ("Vineyard transformer", 400, 0.8, 0.1, 0.1, False, 130),
        ("Quarry transformer", 1000, 0.0, 0.1, 0.9, False, 3),
        ("South Junction feeder", 2500, 0.7, 0.2, 0.1, False, 1210),
        ("School transformer", 400, 0.2, 0.8, 0.0, False, 6),
    ),
}

_PLANTS: dict[str, tuple[str, float]] = {
    "Shore power feeder": ("gas_cc", 14_000.0),
    "Pumping station transformer": ("wind_onshore", 9_000.0),
    "Market hall transformer": ("solar_pv_roof", 2_500.0),
    "Valley feeder": ("hydro", 3_000.0),
    "Quarry transformer": ("biomass", 1_500.0),
}
"""What feeds in behind a feeder: source (`docs/quantities.md`) and most kW, by its name."""
_HERTZ = "Station feeder"
"""Where the frequency of the grid is measured: one is enough, it is the same everywhere."""


def _position(district: District, place: int, count: int) -> tuple[float, float]:
    """Latitude and longitude of one of `count` places, spread like sunflower seeds."""
    reach = sqrt((place + 0.5) / count)
    turn = place * pi * (3.0 - sqrt(5.0))
    north = district.north_km + district.high_km * reach * sin(turn)
    east = district.east_km + district.wide_km * reach * cos(turn)
    lat = CENTRE_LAT + north / KILOMETRES_PER_DEGREE
    lon = CENTRE_LON + east / (KILOMETRES_PER_DEGREE * cos(radians(CENTRE_LAT)))
    return round(lat, 5), round(lon, 5)


def _of_district(district: District) -> list[Station]:
    air, roads, feeders = _AIR[district.id], _ROADS[district.id], _FEEDERS[district.id]
    count = len(air) + len(roads) + len(feeders)
    # 7 has no divisor in common with 24, so the three kinds mix over the district.
    spots = iter([_position(district, (7 * i) % count, count) for i in range(count)])
    stations = [
        Station(
            "air", district.id, f"air-{i:02}", name, *next(spots),
            AIR_QUANTITIES + more + (("laeq",) if kerb >= KERB_SOUND_MIN else ()),
            kerb=kerb, smoke=smoke, ships=ships,
        )
        for i, (name, kerb, smoke, ships, more) in enumerate(air, 1)
    ]
    stations += [
        Station(
            "road", district.id, f"road-{i:02}", name, *next(spots), ROAD_QUANTITIES,
            length_km=length, lanes=lanes, posted_kmh=posted, load=load, morning=morning,
        )
        for i, (name, posted, lanes, length, load, morning) in enumerate(roads, 1)
    ]
    stations += [
        Station(
            "feeder", district.id, f"feeder-{i:02}", name, *next(spots),
            FEEDER_QUANTITIES + (("energy",) if register else ())
            + (("generation",) if name in _PLANTS else ())
            + (("frequency",) if name == _HERTZ else ()), customers=customers,
            rated_kw=rated, homes=homes, shops=shops, works=works,
            source=_PLANTS.get(name, ("", 0.0))[0], plant_kw=_PLANTS.get(name, ("", 0.0))[1],
        )
        for i, (name, rated, homes, shops, works, register, customers) in enumerate(feeders, 1)
    ]
    return stations


def stations() -> list[Station]:
    """All stations of simville, district by district: air, roads, feeders."""
    return [station for district in DISTRICTS for station in _of_district(district)]


def facts() -> list[Fact]:
    """How many people live in the city and in each district, since it was founded."""
    people = {"_/_": sum(district.people for district in DISTRICTS)}
    people |= {f"{district.id}/_": district.people for district in DISTRICTS}
    return [
        Fact(FOUNDED, place, "population", float(count), "inhabitants", "invented with simville")
        for place, count in people.items()
    ]
