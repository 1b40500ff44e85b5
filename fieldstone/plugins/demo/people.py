"""The people of the demo company: one account per role, twelve engineers, an org tree. Invented names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A demo user; `key` is how other demo data refers to them, `listed` whether the sign-in page shows them."""

    key: str
    name: str
    email: str
    role: str
    locale: str | None = None
    listed: bool = False


STAFF: tuple[Person, ...] = (
    Person(key="admin", name="Ada Moreno", email="admin@demo.example", role="admin", listed=True),
    Person(key="agent", name="Jo Dean", email="agent@demo.example", role="agent", listed=True),
    Person(key="agent2", name="Wong Ka Yan", email="kayan.wong@demo.example", role="agent", locale="zh-Hant"),
    Person(key="dispatcher", name="Priya Raman", email="dispatcher@demo.example", role="dispatcher", listed=True),
    Person(key="manager", name="Marcus Bell", email="manager@demo.example", role="manager", listed=True),
    Person(key="director", name="Helen Zhao", email="director@demo.example", role="director", listed=True),
    Person(key="finance", name="Tomasz Nowak", email="finance@demo.example", role="finance", listed=True),
)

ENGINEER_NAMES: tuple[str, ...] = (
    "Li Mei",
    "Tobias Okafor",
    "Chan Wai",
    "Joana Silva",
    "Arun Patel",
    "Sofia Rossi",
    "Dmitri Volkov",
    "Grace Kim",
    "Omar Haddad",
    "Nina Berg",
    "Carlos Vega",
    "Hannah Cole",
)

ENGINEERS: tuple[Person, ...] = tuple(
    Person(
        key=f"engineer{number}",
        name=name,
        email="engineer@demo.example" if number == 0 else f"{name.lower().replace(' ', '.')}@demo.example",
        role="engineer",
        locale="zh-Hans" if name == "Li Mei" else "en",
        listed=number == 0,
    )
    for number, name in enumerate(ENGINEER_NAMES)
)

PEOPLE: tuple[Person, ...] = STAFF + ENGINEERS

# team key -> (label, manager, parent team, members)
TEAMS: tuple[tuple[str, str, str, str | None, tuple[str, ...]], ...] = (
    ("board", "Management", "director", None, ("manager", "finance", "director")),
    ("desk", "Service desk", "manager", "board", ("agent", "agent2", "dispatcher")),
    ("field", "Field service", "manager", "board", tuple(person.key for person in ENGINEERS)),
)
