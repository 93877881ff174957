"""Mean elements that SGP4 starts from: of what somebody drew, and of a satellite's state at an instant."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sgp4.api import SGP4_ERRORS, WGS72, Satrec

from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.time import NS_PER_DAY, julian_date, unix_ns

Float64 = NDArray[np.float64]

# WGS 72, the constants inside SGP4 (AIAA 2006-6753, table 1): km^3/s^2 and km.
MU_WGS72_KM3_PER_S2 = 398_600.8
RADIUS_WGS72_KM = 6_378.135
# SGP4's own day count begins here.
SGP4_EPOCH_UNIX_NS = unix_ns(datetime(1949, 12, 31, tzinfo=UTC))
# Below this perigee the air brings a satellite down within one turn.
LOWEST_PERIGEE_M = 100_000.0
# Each round of the fit gains two to three digits, one where the orbit is very eccentric.
FIT_ROUNDS = 60
FIT_TOLERANCE_KM = 1e-7
FIT_TOLERANCE_KM_PER_S = 1e-10
# High above the equator SGP4's lunar and solar terms turn the orbit's plane by some hundredths of a degree, in a way
# that leaves some nodes without elements; what it may miss such a state by. The search tries nodes all round.
LOW_INCLINATION_RAD = math.radians(0.2)
NEAR_EQUATOR_KM = 0.5
NEAR_EQUATOR_KM_PER_S = 2e-3
NODES_TRIED = 4
STEPS_OF_A_SEARCH = 40
UNFIT = (
    "SGP4 has no mean elements for this state: its orbit is too eccentric, too wide, or turns against the Earth along "
    "the equator; take a state of another orbit or give two-line elements"
)


@dataclass(frozen=True)
class MeanElements:
    """SGP4's elements at the epoch, TEME; the mean motion is Kozai's, as in two-line elements."""

    mean_motion_rad_per_min: float
    eccentricity: float
    inclination_rad: float
    raan_rad: float
    argument_of_perigee_rad: float
    mean_anomaly_rad: float


def satrec_from_elements(elements: MeanElements, epoch_unix_ns: int) -> Any:
    """Return the SGP4 record of an orbit without drag; ValueError where SGP4 refuses the elements."""
    satrec = Satrec()
    epoch_days = (epoch_unix_ns - SGP4_EPOCH_UNIX_NS) / NS_PER_DAY
    turn = 2 * math.pi
    # In order: model, mode, number, epoch, drag, two derivatives of the mean motion, eccentricity, argument of
    # perigee, inclination, mean anomaly, mean motion, node.
    satrec.sgp4init(
        WGS72, "i", 0, epoch_days, 0.0, 0.0, 0.0, elements.eccentricity, elements.argument_of_perigee_rad % turn,
        elements.inclination_rad, elements.mean_anomaly_rad % turn, elements.mean_motion_rad_per_min,
        elements.raan_rad % turn,
    )  # fmt: skip
    if satrec.error:
        raise ValueError(f"orbit cannot be computed: {SGP4_ERRORS[satrec.error]}")
    return satrec


def satrec_from_state(position_teme_m: Float64, velocity_teme_m_per_s: Float64, epoch_unix_ns: int) -> Any:
    """Return the SGP4 record, without drag, that has this state, (3,) each, at the epoch.

    SGP4 turns mean elements into a state that differs from Kepler's by a part in a thousand, the Earth's flattening.
    So the state whose Kepler elements SGP4 is given is moved by what SGP4 then misses the wanted state by, until it
    misses nothing; being a state, it has no trouble with circular and equatorial orbits.

    High orbits within a few hundredths of a degree of the equator, where SGP4 has elements for some states only, are
    fitted by least squares, to 500 m and 2 m/s at worst.

    Raises ValueError, naming value and remedy, for what is no satellite's state: not finite, as fast as the escape
    speed, perigee below 100 km; and where SGP4 cannot be brought within 0.1 mm and 0.1 um/s: eccentricities beyond
    0.8, half-way to the Moon, and inclinations within a hair of 180 degrees, where SGP4 itself breaks down.
    """
    check_closed_orbit(position_teme_m, velocity_teme_m_per_s)
    wanted = np.concatenate([position_teme_m, velocity_teme_m_per_s]) / 1000.0
    given = wanted
    for _ in range(FIT_ROUNDS):
        try:
            satrec = satrec_from_elements(kepler_elements(given[:3], given[3:]), epoch_unix_ns)
            missed = wanted - _state_km(satrec, epoch_unix_ns)
        except ValueError as error:
            raise ValueError(UNFIT) from error
        if _within(missed, FIT_TOLERANCE_KM, FIT_TOLERANCE_KM_PER_S):
            return satrec
        given = given + missed
    if kepler_elements(wanted[:3], wanted[3:]).inclination_rad < LOW_INCLINATION_RAD:
        return _nearest_near_equator(wanted, epoch_unix_ns)
    raise ValueError(UNFIT)


def _nearest_near_equator(wanted: Float64, epoch_unix_ns: int) -> Any:
    """Return the SGP4 record whose state is nearest to `wanted`, (6,), km and km/s."""
    # Imported here: it takes a quarter of a second, which programs without such a satellite need not pay.
    from scipy.optimize import least_squares

    kepler = kepler_elements(wanted[:3], wanted[3:])
    perigee = kepler.argument_of_perigee_rad + kepler.raan_rad
    e_cosine, e_sine = kepler.eccentricity * math.cos(perigee), kepler.eccentricity * math.sin(perigee)

    def record(sought: Float64) -> Any:
        # Perigee and place on the orbit are counted from the equinox: they are defined without a node.
        motion, x, y, inclination, raan, longitude = sought.tolist()
        towards = math.atan2(y, x)
        elements = MeanElements(motion, math.hypot(x, y), inclination, raan, towards - raan, longitude - towards)
        return satrec_from_elements(elements, epoch_unix_ns)

    weights = np.repeat([FIT_TOLERANCE_KM, FIT_TOLERANCE_KM_PER_S], 3)
    steps = np.array([kepler.mean_motion_rad_per_min * 1e-3, 1e-3, 1e-3, 1e-3, 0.1, 1e-3])
    found: list[tuple[float, Float64]] = []
    for turn in np.linspace(0, 2 * math.pi, NODES_TRIED, endpoint=False):
        first = [kepler.mean_motion_rad_per_min, e_cosine, e_sine, max(kepler.inclination_rad, 3e-4),
                 kepler.raan_rad + turn, kepler.mean_anomaly_rad + perigee]  # fmt: skip
        result = least_squares(
            lambda sought: (wanted - _state_km(record(sought), epoch_unix_ns)) / weights,
            first, x_scale=steps, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=STEPS_OF_A_SEARCH,
        )  # fmt: skip
        found.append((float(np.abs(result.fun).max()), result.x))
        if found[-1][0] <= 1:
            break
    nearest = record(min(found, key=lambda pair: pair[0])[1])
    if not _within(wanted - _state_km(nearest, epoch_unix_ns), NEAR_EQUATOR_KM, NEAR_EQUATOR_KM_PER_S):
        raise ValueError(UNFIT)
    return nearest


def _state_km(satrec: Any, unix_ns: int) -> Float64:
    """Return position and velocity, (6,), TEME, km and km/s; ValueError where SGP4 fails."""
    code, position_km, velocity_km_per_s = satrec.sgp4(*julian_date(unix_ns))
    if code:
        raise ValueError(f"orbit cannot be computed: {SGP4_ERRORS[code]}")
    return np.concatenate([position_km, velocity_km_per_s])


def _within(missed: Float64, km: float, km_per_s: float) -> bool:
    return bool(np.abs(missed[:3]).max() <= km and np.abs(missed[3:]).max() <= km_per_s)


def check_closed_orbit(position_m: Float64, velocity_m_per_s: Float64) -> None:
    """Raise ValueError unless a state, (3,) each, inertial, is of a closed orbit that stays clear of the Earth."""
    if not (np.isfinite(position_m).all() and np.isfinite(velocity_m_per_s).all()):
        raise ValueError(
            f"state {position_m.tolist()} m, {velocity_m_per_s.tolist()} m/s is not finite; give six finite numbers"
        )
    mu = MU_WGS72_KM3_PER_S2 * 1e9
    distance, speed = float(np.linalg.norm(position_m)), float(np.linalg.norm(velocity_m_per_s))
    if distance == 0:
        raise ValueError("position is the Earth's centre; give metres from there, GCRS")
    if speed * speed * distance >= 2 * mu:
        raise ValueError(
            f"speed is {speed:.6g} m/s, {distance:.6g} m from the Earth's centre, and the orbit is closed below "
            f"{math.sqrt(2 * mu / distance):.6g} m/s; lower it, and check that the state is in metres and metres a "
            "second"
        )
    axis = 1 / (2 / distance - speed * speed / mu)
    momentum = float(np.linalg.norm(np.cross(position_m, velocity_m_per_s)))
    eccentricity = math.sqrt(max(0.0, 1 - momentum * momentum / (mu * axis)))
    perigee_height = axis * (1 - eccentricity) - SEMI_MAJOR_M
    if perigee_height < LOWEST_PERIGEE_M:
        raise ValueError(
            f"perigee is {perigee_height / 1000:.6g} km above the equator's radius and must be "
            f"{LOWEST_PERIGEE_M / 1000:g} km or more; raise the position or the speed across it, and check that the "
            "state is in metres and metres a second, GCRS (not turning with the Earth)"
        )


def kepler_elements(position_km: Float64, velocity_km_per_s: Float64) -> MeanElements:
    """Return the Kepler elements of a state, (3,) each, inertial, as if they were mean ones.

    R. R. Bate, D. D. Mueller and J. E. White, "Fundamentals of Astrodynamics" (1971), section 2.4. Where the orbit has
    no node or no perigee, some direction in its plane stands for them. ValueError for a state that is not bound.
    """
    mu = MU_WGS72_KM3_PER_S2
    distance = float(np.linalg.norm(position_km))
    momentum = np.cross(position_km, velocity_km_per_s)
    axis_km = 1 / (2 / distance - float(velocity_km_per_s @ velocity_km_per_s) / mu)
    inclination = math.atan2(math.hypot(momentum[0], momentum[1]), momentum[2])
    raan = math.atan2(momentum[0], -momentum[1])
    # The orbit's plane: along the ascending node, and a quarter turn on.
    node = np.array([math.cos(raan), math.sin(raan), 0.0])
    ahead = np.cross(momentum / np.linalg.norm(momentum), node)
    towards_perigee = np.cross(velocity_km_per_s, momentum) / mu - position_km / distance
    eccentricity = float(np.linalg.norm(towards_perigee))
    if not (axis_km > 0 and eccentricity < 1):
        raise ValueError(f"orbit has eccentricity {eccentricity:.6g} and is not closed")
    argument_of_perigee = math.atan2(towards_perigee @ ahead, towards_perigee @ node)
    true_anomaly = math.atan2(position_km @ ahead, position_km @ node) - argument_of_perigee
    eccentric_anomaly = math.atan2(
        math.sqrt(1 - eccentricity**2) * math.sin(true_anomaly), eccentricity + math.cos(true_anomaly)
    )
    return MeanElements(
        math.sqrt(mu / axis_km**3) * 60,
        eccentricity,
        inclination,
        raan,
        argument_of_perigee,
        eccentric_anomaly - eccentricity * math.sin(eccentric_anomaly),
    )
