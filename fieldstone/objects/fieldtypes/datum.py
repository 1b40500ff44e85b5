"""Coordinates of Chinese maps to WGS-84.

GCJ-02 shifts WGS-84 by up to some 700 m inside China, BD-09 shifts GCJ-02 once more. The shift is a smooth function of
the place, so it is undone by iteration, to about a centimetre. Pure; called by the geolocation type.
"""

from __future__ import annotations

import math

_AXIS = 6378245.0
_FLATNESS = 0.00669342162296594323
_BD = math.pi * 3000.0 / 180.0


def to_wgs84(lat: float, lon: float, datum: str) -> tuple[float, float] | None:
    """Latitude and longitude in WGS-84, or None for an unknown datum. Points outside China are not shifted."""
    match datum:
        case "WGS-84":
            return lat, lon
        case "GCJ-02":
            return _from_gcj(lat, lon)
        case "BD-09":
            return _from_gcj(*_from_bd(lat, lon))
        case _:
            return None


def _from_bd(lat: float, lon: float) -> tuple[float, float]:
    x, y = lon - 0.0065, lat - 0.006
    radius = math.hypot(x, y) - 0.00002 * math.sin(y * _BD)
    angle = math.atan2(y, x) - 0.000003 * math.cos(x * _BD)
    return radius * math.sin(angle), radius * math.cos(angle)


def _from_gcj(lat: float, lon: float) -> tuple[float, float]:
    if not (0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347):
        return lat, lon
    guess_lat, guess_lon = lat, lon
    for _ in range(6):
        shift_lat, shift_lon = _shift(guess_lat, guess_lon)
        guess_lat, guess_lon = lat - shift_lat, lon - shift_lon
    return round(guess_lat, 8), round(guess_lon, 8)


def _shift(lat: float, lon: float) -> tuple[float, float]:
    """How far GCJ-02 is from WGS-84 at a place, in degrees."""
    x, y = lon - 105.0, lat - 35.0
    common = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + common
    north += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + common
    east += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    sine = math.sin(math.radians(lat))
    curve = 1.0 - _FLATNESS * sine * sine
    per_lat = (_AXIS * (1.0 - _FLATNESS)) / (curve * math.sqrt(curve)) * math.pi / 180.0
    per_lon = _AXIS / math.sqrt(curve) * math.cos(math.radians(lat)) * math.pi / 180.0
    return north / per_lat, east / per_lon
