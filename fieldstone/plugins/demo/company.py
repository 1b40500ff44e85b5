"""The demo company's standing data: territories, skills, customers, sites, assets, parts, stock, engineers.

Pure and deterministic: the same seed gives the same company. Out: `Seed`s in an order in which every `Ref` points back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from fieldstone.plugins.demo.people import ENGINEERS
from fieldstone.plugins.demo.places import AREAS, address, point
from fieldstone.plugins.demo.seed import Ref, Seed

SKILLS: tuple[tuple[str, str], ...] = (
    ("Chillers", "Water and air cooled chillers, refrigerant handling"),
    ("Boilers", "Gas and oil boilers, pressure vessels"),
    ("Lifts", "Traction and hydraulic lifts"),
    ("Fire panels", "Detection panels, sounders, loops"),
    ("UPS and batteries", "Double conversion UPS up to 300 kVA"),
    ("Pumps", "Centrifugal and booster pumps, alignment"),
    ("Refrigeration", "Cold rooms and display cases"),
    ("Rope access", "Work at height with ropes"),
)

CUSTOMER_NAMES: tuple[tuple[str, str], ...] = (
    ("Harbour Tower", "property"), ("Kestrel Foods", "food"), ("Nam Fung Plaza 南豐廣場", "property"),
    ("St. Anne Hospital", "health"), ("Northgate Homes", "property"), ("Delta Cold Storage", "logistics"),
    ("Bright Dental Group", "health"), ("Union Square Cinemas", "property"), ("Golden Wok 金鼎酒家", "food"),
    ("Riverside School District", "public"), ("Atlas Freight", "logistics"), ("Verde Grocers", "food"),
    ("Metro Data Centre", "manufacturing"), ("Lakeview Apartments", "property"), ("Sunrise Bakery", "food"),
    ("Orchid Hotel 蘭花酒店", "property"), ("Pioneer Plastics", "manufacturing"), ("City Library Trust", "public"),
    ("Grand Ferry Terminal", "public"), ("Blue Fin Seafood", "food"), ("Hudson Glass Works", "manufacturing"),
    ("Maple Care Home", "health"), ("Crown Logistics", "logistics"), ("Eastside Fitness", "property"),
    ("Jade Garden 翠園", "food"), ("Ironbridge Steel", "manufacturing"), ("Parkway Clinics", "health"),
    ("Silver Line Storage", "logistics"), ("Beacon Theatre Company", "property"), ("Five Points Brewing", "food"),
    ("Queensway Mall", "property"), ("Civic Courthouse", "public"), ("Summit Offices", "property"),
    ("Tidewater Marina", "property"), ("Corona Print House", "manufacturing"), ("Lotus Pharmacy 蓮花藥房", "health"),
    ("Redhook Warehousing", "logistics"), ("Willow Creek Dairy", "food"), ("Arcadia Museum", "public"),
    ("Bayview Cold Chain", "logistics"),
)  # fmt: skip

FIRST_NAMES = ("Ana", "Ben", "Chun", "Dora", "Eli", "Fay", "Gus", "Hui", "Ines", "Jack", "Kim", "Leo", "Min", "Nora")
LAST_NAMES = ("Wong 黃", "Garcia", "Smith", "Chen 陈", "Novak", "Brown", "Ito", "Khan", "Lopez", "Martin", "Lee 李")

ASSET_TYPES: tuple[tuple[str, str, str, int], ...] = (
    ("Chiller", "York", "YVAA 0425", 0),
    ("Boiler", "Viessmann", "Vitocrossal 300", 1),
    ("Passenger lift", "Otis", "Gen2", 2),
    ("Fire panel", "Siemens", "FC2040", 3),
    ("UPS", "Eaton", "93PM 100", 4),
    ("Booster pump set", "Grundfos", "Hydro MPC-E", 5),
    ("Cold room", "Carrier", "CR-60", 6),
)

PART_GROUPS: tuple[tuple[str, str, tuple[str, ...], tuple[int, int]], ...] = (
    ("bearing", "BRG", ("Deep groove bearing", "Angular contact bearing", "Spherical roller bearing"), (18, 420)),
    ("seal", "SEAL", ("Mechanical seal kit", "O-ring set", "Shaft seal", "Gasket set"), (6, 240)),
    ("filter", "FLT", ("Intake filter", "Oil filter", "Drier core", "Water strainer"), (9, 160)),
    ("electrical", "ELC", ("Contactor", "Relay board", "Fuse link", "Control transformer", "Battery block"), (12, 780)),
    ("valve", "VLV", ("Expansion valve", "Pressure relief valve", "Check valve", "Solenoid valve"), (24, 640)),
    ("sensor", "SNS", ("Pressure sensor", "Temperature probe", "Door sensor", "Flow switch"), (15, 310)),
    ("motor", "MOT", ("Fan motor", "Pump motor", "Door operator motor"), (140, 2400)),
    ("consumable", "CNS", ("Refrigerant R134a", "Thermal paste", "Bearing grease", "Cable ties"), (4, 190)),
)


def company(rng: Random, now: datetime) -> Iterator[Seed]:
    """All standing records, in order."""
    yield from _territories_and_skills()
    yield from _customers(rng, now)
    yield from _sites_and_contacts(rng)
    yield from _assets(rng, now)
    yield from _parts(rng)
    yield from _locations()
    yield from _resources(rng, now)
    yield from _stock(rng, now)


def _territories_and_skills() -> Iterator[Seed]:
    for number, area in enumerate(AREAS):
        values = {"name": area.name, "speed_kmh": area.speed_kmh, "time_zone": "America/New_York"}
        yield Seed(object="territory", key=f"territory/{number}", values=values)
    for number, (name, description) in enumerate(SKILLS):
        yield Seed(object="skill", key=f"skill/{number}", values={"name": name, "description": description})


def _customers(rng: Random, now: datetime) -> Iterator[Seed]:
    for number, (name, industry) in enumerate(CUSTOMER_NAMES):
        latin = "".join(c for c in name.lower().split()[0] if c.isascii() and c.isalpha())
        values = {
            "name": name,
            "tier": rng.choices(("gold", "silver", "bronze"), (2, 3, 5))[0],
            "industry": industry,
            "email": f"facilities@{latin}{number}.example",
            "phone": f"+1212555{1000 + number:04d}",
            "website": f"https://{latin}{number}.example",
            "address": address(AREAS[number % len(AREAS)], rng),
            "account_manager": Ref("user/manager" if number % 3 else "user/agent"),
            "contract_until": _day(now, rng.randint(40, 700)),
        }
        yield Seed(object="customer", key=f"customer/{number}", values=values)


def _sites_and_contacts(rng: Random) -> Iterator[Seed]:
    for number, (name, _) in enumerate(CUSTOMER_NAMES):
        area = number % len(AREAS)
        for copy, suffix in enumerate(("main building", "annex")[: 1 + (number % 3 == 0)]):
            values = {
                "name": f"{name}, {suffix}",
                "customer": Ref(f"customer/{number}"),
                "address": address(AREAS[area], rng),
                "location": point(AREAS[area], rng),
                "territory": Ref(f"territory/{area}"),
                "access_notes": rng.choice(("", "Report to the front desk.", "Loading bay closes at 16:00.")),
            }
            yield Seed(object="site", key=f"site/{number}/{copy}", values=values)
        person = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
        yield Seed(
            object="contact",
            key=f"contact/{number}",
            values={
                "name": person,
                "customer": Ref(f"customer/{number}"),
                "role": rng.choice(("Facility manager", "Building engineer", "Office manager", "Owner")),
                "email": f"contact{number}@customer.example",
                "phone": f"+1917555{2000 + number:04d}",
                "language": rng.choice(("en", "en", "zh-Hans", "zh-Hant")),
            },
        )


def _assets(rng: Random, now: datetime) -> Iterator[Seed]:
    for number in range(60):
        customer = number % len(CUSTOMER_NAMES)
        name, maker, model, _ = ASSET_TYPES[number % len(ASSET_TYPES)]
        age = rng.randint(60, 3200)
        values = {
            "name": f"{name} {number % 4 + 1}",
            "serial_number": f"{maker[:2].upper()}-{rng.randint(10_000, 99_999)}-{number:02d}",
            "customer": Ref(f"customer/{customer}"),
            "site": Ref(f"site/{customer}/0"),
            "manufacturer": maker,
            "model": model,
            "installed_on": _day(now, -age),
            "warranty_until": _day(now, 1100 - age),
            "status": rng.choices(("running", "faulty"), (8, 2))[0],
        }
        yield Seed(object="asset", key=f"asset/{number}", values=values)


def _parts(rng: Random) -> Iterator[Seed]:
    for number in range(300):
        group, prefix, names, (low, high) = PART_GROUPS[number % len(PART_GROUPS)]
        values = {
            "number": f"{prefix}-{1000 + number}",
            "name": f"{names[number // len(PART_GROUPS) % len(names)]} {rng.choice(('S', 'M', 'L', 'XL', 'HD'))}",
            "group": group,
            "unit_price": {"amount": f"{rng.randint(low * 100, high * 100) / 100:.2f}", "currency": "USD"},
            "unit": "litre" if names[number // len(PART_GROUPS) % len(names)].startswith("Refrigerant") else "piece",
            "reorder_level": rng.randint(1, 6),
        }
        yield Seed(object="part", key=f"part/{number}", values=values)


def _locations() -> Iterator[Seed]:
    depot = {"name": "Long Island City warehouse", "type": "warehouse", "location": {"lat": 40.7447, "lon": -73.9485}}
    yield Seed(object="stock_location", key="location/depot", values=depot)
    for number, person in enumerate(ENGINEERS):
        values = {"name": f"Van {number + 1:02d}", "type": "van", "keeper": Ref(f"user/{person.key}")}
        yield Seed(object="stock_location", key=f"location/van{number}", values=values)


def _resources(rng: Random, now: datetime) -> Iterator[Seed]:
    for number, person in enumerate(ENGINEERS):
        area = AREAS[number % len(AREAS)]
        chosen = sorted(rng.sample(range(len(SKILLS)), 4))
        values = {
            "name": person.name,
            "user": Ref(f"user/{person.key}"),
            "phone": f"+1646555{3000 + number:04d}",
            "territory": Ref(f"territory/{number % len(AREAS)}"),
            "home_location": point(area, rng),
            "last_location": point(area, rng),
            "last_location_at": (now - timedelta(minutes=rng.randint(3, 90))).isoformat(),
            "shift_start": "07:00" if number % 3 else "08:00",
            "shift_end": "19:00" if number % 3 else "18:00",
            "daily_capacity": rng.randint(8, 12),
            "max_travel_km": rng.choice((40, 60, 80)),
            "hourly_rate": {"amount": str(rng.choice((65, 72, 80, 95))), "currency": "USD"},
            "van": Ref(f"location/van{number}"),
            "skills": [{"skill": Ref(f"skill/{skill}"), "level": rng.randint(1, 5)} for skill in chosen],
            "absences": _absences(number, now),
        }
        yield Seed(object="resource", key=f"resource/{number}", values=values)


def _absences(number: int, now: datetime) -> list[dict[str, str]]:
    if number != 7:
        return []
    start, end = now - timedelta(days=1), now + timedelta(days=6)
    return [{"reason": "leave", "starts_at": start.isoformat(), "ends_at": end.isoformat()}]


def _stock(rng: Random, now: datetime) -> Iterator[Seed]:
    places = [("depot", part, rng.randint(0, 60)) for part in range(300)]
    for number in range(len(ENGINEERS)):
        places += [(f"van{number}", part, rng.randint(2, 8)) for part in rng.sample(range(300), 10)]
    for place, part, quantity in places:
        key = f"stock/{place}/{part}"
        yield Seed(
            object="stock_item",
            key=key,
            values={"part": Ref(f"part/{part}"), "stock_location": Ref(f"location/{place}")},
        )
        if quantity:
            values = {
                "part": Ref(f"part/{part}"),
                "quantity": str(quantity),
                "to_item": Ref(key),
                "reason": "receipt",
            }
            yield Seed(object="stock_move", key=f"receipt/{place}/{part}", values=values, at=now - timedelta(days=75))


def _day(now: datetime, days: int) -> str:
    return (now.date() + timedelta(days=days)).isoformat()
