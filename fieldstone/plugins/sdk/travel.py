"""Travel between places when no road network is at hand: great circle x detour / speed.

Pure arithmetic. Distances in metres on a sphere of radius 6,371,008.8 m (the mean radius of WGS-84), travel times in
whole seconds, rounded up so that a plan stays feasible.
"""

from __future__ import annotations

from math import asin, ceil, cos, radians, sin, sqrt

from fieldstone.plugins.sdk.dispatch import Place, Travel

EARTH_RADIUS_M = 6_371_008.8


def great_circle_m(a: Place, b: Place) -> float:
    """The shortest way over the sphere between two places, in metres."""
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half_lat = sin((lat_b - lat_a) / 2)
    half_lon = sin(radians(b.lon - a.lon) / 2)
    chord = half_lat * half_lat + cos(lat_a) * cos(lat_b) * half_lon * half_lon
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def estimate(a: Place, b: Place, travel: Travel) -> tuple[int, int]:
    """(seconds, metres) from `a` to `b`: straight line x detour at the policy's speed, plus the handover."""
    metres = great_circle_m(a, b) * travel.detour
    seconds = metres / (travel.speed_kmh / 3.6) + travel.handover_s
    return ceil(seconds), ceil(metres)
