"""Where the demo company works: five territories of New York, with the middle and spread of each."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A territory: centre in degrees (WGS-84), half-width in degrees, mean speed, and streets to name addresses by."""

    name: str
    lat: float
    lon: float
    spread: float
    speed_kmh: int
    postcode: str
    streets: tuple[str, ...]


AREAS: tuple[Area, ...] = (
    Area(
        name="Manhattan",
        lat=40.7580,
        lon=-73.9855,
        spread=0.035,
        speed_kmh=18,
        postcode="100",
        streets=("Broadway", "Lexington Avenue", "West 34th Street", "Canal Street", "Amsterdam Avenue"),
    ),
    Area(
        name="Brooklyn",
        lat=40.6782,
        lon=-73.9442,
        spread=0.045,
        speed_kmh=25,
        postcode="112",
        streets=("Atlantic Avenue", "Flatbush Avenue", "Bedford Avenue", "Kent Avenue", "Ocean Parkway"),
    ),
    Area(
        name="Queens",
        lat=40.7282,
        lon=-73.7949,
        spread=0.06,
        speed_kmh=30,
        postcode="113",
        streets=("Northern Boulevard", "Queens Boulevard", "Roosevelt Avenue", "Main Street", "Hillside Avenue"),
    ),
    Area(
        name="The Bronx",
        lat=40.8448,
        lon=-73.8648,
        spread=0.035,
        speed_kmh=28,
        postcode="104",
        streets=("Grand Concourse", "Fordham Road", "Tremont Avenue", "Jerome Avenue", "Bruckner Boulevard"),
    ),
    Area(
        name="Staten Island",
        lat=40.5795,
        lon=-74.1502,
        spread=0.045,
        speed_kmh=38,
        postcode="103",
        streets=("Hylan Boulevard", "Richmond Avenue", "Victory Boulevard", "Forest Avenue"),
    ),
)


def point(area: Area, rng: Random) -> dict[str, float]:
    """A place in the area."""
    return {
        "lat": round(area.lat + rng.uniform(-area.spread, area.spread), 6),
        "lon": round(area.lon + rng.uniform(-area.spread, area.spread), 6),
    }


def address(area: Area, rng: Random) -> dict[str, str]:
    """A street address in the area; the number is invented."""
    return {
        "street": f"{rng.randint(2, 980)} {rng.choice(area.streets)}",
        "city": area.name if area.name != "Manhattan" else "New York",
        "region": "NY",
        "postcode": f"{area.postcode}{rng.randint(1, 39):02d}",
        "country": "US",
    }
