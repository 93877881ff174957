"""How high above a gateway's horizon the satellites of an orbit can ever rise."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.geometry.elements import RADIUS_WGS72_KM
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.orbit import Orbit
from services.scenario.model import Gateway

Float64 = NDArray[np.float64]

# By what SGP4's periodic terms take a satellite beyond its mean orbit, rounded up from 10.5 km and 0.02 degrees, the
# most that circular orbits from 300 to 20,000 km showed at any inclination.
WOBBLE_M = 1.2e4
WOBBLE_RAD = math.radians(0.05)


def orbit_bounds(orbits: Sequence[Orbit]) -> tuple[Float64, Float64]:
    """Return, of each orbit, the highest geocentric latitude (rad) and the largest distance from the centre (m)."""
    satrecs = [orbit.satrec for orbit in orbits]
    inclination = np.array([satrec.inclo for satrec in satrecs])
    apogee = np.array([satrec.a * (1 + satrec.ecco) for satrec in satrecs]) * RADIUS_WGS72_KM * 1000.0
    latitude = np.minimum(np.minimum(inclination, math.pi - inclination) + WOBBLE_RAD, math.pi / 2)
    return latitude, apogee + WOBBLE_M


def highest_elevation_rad(gateway: Gateway, bounds: tuple[Float64, Float64]) -> float:
    """Return the highest elevation at which the gateway can ever see one of the satellites; -pi / 2 without any.

    An orbit reaches all longitudes in time, and latitudes up to its inclination: the best place for a satellite is
    straight above the gateway or, where that is out of reach, on its meridian at the latitude nearest to that.
    """
    latitude, radius_m = bounds
    place = gateway.place
    x, y, z = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m)
    up = east_north_up(place.latitude_deg, place.longitude_deg)[2]
    # In the plane of the meridian: away from the axis, and northwards along it.
    site = np.array([math.hypot(x, y), z])
    upward = np.array([math.hypot(up[0], up[1]), up[2]])
    along = float(site @ upward)
    to_zenith = np.sqrt(np.maximum(radius_m**2 - site @ site + along**2, 0)) - along
    zenith = site + to_zenith[:, None] * upward
    best = np.clip(np.arctan2(zenith[:, 1], zenith[:, 0]), -latitude, latitude)
    away = radius_m[:, None] * np.stack([np.cos(best), np.sin(best)], axis=1) - site
    sine = away @ upward / np.linalg.norm(away, axis=1)
    return float(np.arcsin(np.clip(sine, -1, 1)).max(initial=-math.pi / 2))
