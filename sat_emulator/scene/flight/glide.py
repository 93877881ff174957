"""Flight on lift: how a glider without an engine falls, pulls up and glides.

Three degrees of freedom. The lift lies in the vertical plane through the path, for there is no bank: sideways, the
glider goes where the Earth's turn carries it. Lift is counted in parts of that at the best ratio of lift to drag; with
a parabolic polar the drag is then (1 + parts^2) / 2 of that there.
"""

import math

from sat_emulator.scene.atmosphere import STANDARD_GRAVITY, air_density_kg_per_m3
from sat_emulator.scene.flight.flight import Float64
from sat_emulator.scene.flight.forces import Motion, Vector, dot, gravity_and_turn, height_and_up, norm, split
from sat_emulator.scene.flight.path import Event
from services.scenario.model import Glide

# By how far the air thins by a factor of e where gliders fly, 25 to 60 km: m.
SCALE_HEIGHT_M = 7000.0
# Of the swing about the equilibrium glide; 0.7 settles fastest without ringing.
DAMPING = 0.7
# More lift than this would stall it; negative lift would need it to roll over.
MOST_LIFT = 2.0
# Where speed itself carries it (near orbital speed) there is no equilibrium; the steering then takes so much weight.
LEAST_WEIGHT_M_PER_S2 = 0.05 * STANDARD_GRAVITY


def gliding(mass_kg: float, glide: Glide) -> Motion:
    """Return the motion on lift.

    skip: best lift throughout; the path skips, and skips die out by themselves but slowly.
    level: lift answers to the path's angle to that of the equilibrium glide and so damps the skips out (feedback of the
    path's angle after W. Yu and W. Chen, "Guidance scheme for glide range maximization of a hypersonic vehicle", AIAA
    2011-6714; here with the gain that gives the swing DAMPING at every speed).
    """
    ratio = 0.5 * glide.drag_area_m2 / mass_kg

    def motion(_time: float, state: Float64) -> list[float]:
        r, v = split(state)
        height, up = height_and_up(r)
        speed = norm(v)
        climb = dot(v, up) / speed
        pull = gravity_and_turn(r, v)
        parts = 1.0 if glide.kind == "skip" else _trimmed(glide, speed, climb, _weight(pull, r, v, up))
        pressure = ratio * air_density_kg_per_m3(height) * speed
        drag = 0.5 * (1 + parts * parts) * pressure
        # `up` less its part along the path is as long as the cosine of the path's angle. Where the path stands upright
        # there is no vertical plane through it: beyond 60 degrees, the lift fades.
        level = math.sqrt(max(0.0, 1 - climb * climb))
        lift = parts * glide.lift_to_drag * pressure * speed / max(level, 0.5)
        rates = (pull[k] - drag * v[k] + lift * (up[k] - climb * v[k] / speed) for k in range(3))
        return [*v, *rates]

    return motion


def lift_carries(mass_kg: float, glide: Glide) -> Event:
    """Return the event that best lift carries what weight the path's curvature leaves: the glide can begin."""
    ratio = 0.5 * glide.drag_area_m2 * glide.lift_to_drag / mass_kg

    def surplus(_time: float, state: Float64) -> float:
        r, v = split(state)
        height, up = height_and_up(r)
        return ratio * air_density_kg_per_m3(height) * dot(v, v) - _weight(gravity_and_turn(r, v), r, v, up)

    return Event(surplus)


def equilibrium_climb(glide: Glide, speed_m_per_s: float, weight_m_per_s2: float) -> float:
    """Return the sine of the path's angle in the equilibrium glide, below 0.

    From lift = mass * weight at all times along the way, with air of one scale height: A. J. Eggers, H. J. Allen and
    S. E. Neice, NACA Report 1382, with the term of weight along the path kept.
    """
    reach = 2 * SCALE_HEIGHT_M * STANDARD_GRAVITY / (speed_m_per_s * speed_m_per_s)
    return -reach / glide.lift_to_drag / (1 + reach * STANDARD_GRAVITY / weight_m_per_s2)


def _trimmed(glide: Glide, speed: float, climb: float, weight: float) -> float:
    weight = max(weight, LEAST_WEIGHT_M_PER_S2)
    # The swing has the square frequency weight / scale height, and `gain * weight / speed` damps it.
    gain = 2 * DAMPING * speed / math.sqrt(weight * SCALE_HEIGHT_M)
    return min(max(1 + gain * (equilibrium_climb(glide, speed, weight) - climb), 0.0), MOST_LIFT)


def _weight(pull: Vector, r: Vector, v: Vector, up: Vector) -> float:
    """Return what weight a level path's curvature leaves: m/s^2 downwards."""
    climb = dot(v, up)
    return -dot(pull, up) - (dot(v, v) - climb * climb) / norm(r)
