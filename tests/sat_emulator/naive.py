"""What the emulator's kernels and integrators are held against: slow, obvious, and written apart from them."""

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.ndimage import correlate1d

from sat_emulator.scene import background as room
from sat_emulator.scene.atmosphere import air_density_kg_per_m3
from sat_emulator.scene.radiance import TABLE_STEP_K
from sat_emulator.scene.texture import Pyramid
from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M, itrs_to_geodetic
from services.geometry.geodesic import MEAN_RADIUS_M
from services.scenario.model import Rocket

Float64 = NDArray[np.float64]


def draw_earth(
    background: room.Background, los_camera: Float64, rotation: Float64, position_itrs_m: Float64, ifov_rad: float
) -> Float64:
    """Return radiance for (n, 3) lines of sight: every one by itself, no blocks, no tables."""
    axes = np.array([SEMI_MAJOR_M, SEMI_MAJOR_M, SEMI_MINOR_M])
    to_sphere = background._to_area / axes
    start = to_sphere @ position_itrs_m
    fine = _levels(background._fine)
    texel_m = float(np.sqrt(np.prod(background._fine.texel_m)))
    radiances = []
    for los in los_camera:
        ray = to_sphere @ (rotation @ los)
        square, half_b = ray @ ray, start @ ray
        if half_b >= 0:
            radiances.append(0.0)
            continue
        discriminant = half_b**2 - square * (start @ start - 1)
        distance = (-half_b - math.sqrt(max(discriminant, 0.0))) / square
        point = start + distance * ray
        cosine = math.sqrt(max(discriminant, 0.0) / square)
        seen = 1.0
        if discriminant < 0:
            lowest = (float(np.linalg.norm(point)) - 1) * MEAN_RADIUS_M
            seen = float(np.interp(lowest, np.arange(len(background._limb)) * room.LIMB_STEP_M, background._limb))
            if lowest > room.LIMB_TOP_M:
                seen = 0.0
        scale = MEAN_RADIUS_M * math.sqrt(2 / (1 + point[2]))
        east, north = scale * point[0], scale * point[1]
        side = ifov_rad * distance / math.sqrt(max(cosine, 0.02))
        level = min(math.log2(max(side / texel_m, 1.0)), len(fine) - 1.001)
        low = int(level)
        v, u = north / background._fine.texel_m[0], east / background._fine.texel_m[1]
        near, far = (_sample(fine[k], (v + 0.5) / 2**k - 0.5, (u + 0.5) / 2**k - 0.5) for k in (low, low + 1))
        value = near + (level - low) * (far - near)
        value += _sample(
            background._coarse.astype(float), north / background._coarse_texel_m, east / background._coarse_texel_m
        )
        grid = -room.FIELD_LIMIT + room.FIELD_STEP * np.arange(len(background._temperature))
        kelvin = np.interp(value, grid, background._temperature)
        kelvin -= np.interp(cosine, np.linspace(0, 1, len(background._darkening)), background._darkening)
        temperatures = room.COLDEST_K + TABLE_STEP_K * np.arange(len(background._radiance))
        radiances.append(seen * float(np.interp(kelvin, temperatures, background._radiance)))
    return np.array(radiances)


def _levels(pyramid: Pyramid) -> list[Float64]:
    return [
        pyramid.values[offset : offset + rows * columns].reshape(rows, columns).astype(float)
        for offset, rows, columns in zip(
            pyramid.offset.tolist(), pyramid.rows.tolist(), pyramid.columns.tolist(), strict=True
        )
    ]


def _sample(field: Float64, v: float, u: float) -> float:
    v0, u0 = math.floor(v), math.floor(u)
    rows, columns = field.shape
    total = 0.0
    for dv, du in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = (1 - abs(v - v0 - dv)) * (1 - abs(u - u0 - du))
        total += weight * field[(v0 + dv) % rows, (u0 + du) % columns]
    return total


def blur_to_electrons(radiance: Any, taps: Any, solid_angle: Any, per_radiance: float, dark_e: float) -> Float64:
    """Return mean electrons; scipy's correlation in double precision."""
    blurred = radiance.astype(float)
    for axis in (0, 1):
        blurred = correlate1d(blurred, taps.astype(float), axis=axis, mode="nearest")
    mean: Float64 = blurred * solid_angle * per_radiance + dark_e
    return mean


def flight_gcrs(rocket: Rocket, until_s: float, earth_rate_rad_per_s: float) -> tuple[Float64, Float64]:
    """Return a rocket's position and ground-relative velocity in ITRS, integrated in axes that do not turn.

    Axes agree with ITRS at launch. No Coriolis or centrifugal terms, masses from the list of stages, scipy's DOP853.
    """
    from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs

    place = rocket.launch
    pad = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m)
    east, north, up = east_north_up(place.latitude_deg, place.longitude_deg)
    heading = math.radians(rocket.heading_deg)
    along = math.sin(heading) * east + math.cos(heading) * north
    turning = np.array([0.0, 0.0, earth_rate_rad_per_s])
    ends = np.cumsum([0.0, *(stage.burn_time_s for stage in rocket.stages)])

    def to_itrs(time: float) -> Float64:
        c, s = math.cos(earth_rate_rad_per_s * time), math.sin(earth_rate_rad_per_s * time)
        return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])

    def motion(time: float, state: Float64, stage: int | None) -> Float64:
        itrs = to_itrs(time)
        position = itrs @ state[:3]
        velocity = itrs @ state[3:] - np.cross(turning, position)
        speed = float(np.linalg.norm(velocity))
        mass = rocket.payload_mass_kg
        later = rocket.stages[stage + 1 :] if stage is not None else ()
        mass += sum(each.propellant_mass_kg + each.dry_mass_kg for each in later)
        force = np.zeros(3)
        if stage is not None:
            burning = rocket.stages[stage]
            left = 1 - (time - ends[stage]) / burning.burn_time_s
            mass += burning.dry_mass_kg + burning.propellant_mass_kg * left
            force += burning.thrust_n * _steering(rocket, time, velocity, speed, up, along)
        height = float(itrs_to_geodetic(position)[2])
        force -= 0.5 * air_density_kg_per_m3(height) * speed * rocket.drag_area_m2 * velocity
        r = float(np.linalg.norm(position))
        polar = (position[2] / r) ** 2
        flat = 1.5 * 1.0826298e-3 * (6_378_137.0 / r) ** 2
        factors = 1 + flat * (np.array([1.0, 1.0, 3.0]) - 5 * polar)
        acceleration = -3.986004418e14 / r**3 * position * factors + force / mass
        return np.concatenate([state[3:], itrs.T @ acceleration])

    state = np.concatenate([pad, np.cross(turning, pad)])
    switches = sorted({0.0, until_s, rocket.pitch_over_s, *ends[1:].tolist()})
    switches = [time for time in switches if time <= until_s]
    for begin, end in itertools.pairwise(switches):
        middle = (begin + end) / 2
        stage = next((k for k in range(len(rocket.stages)) if ends[k] <= middle < ends[k + 1]), None)
        solved = solve_ivp(motion, (begin, end), state, "DOP853", args=(stage,), rtol=1e-10, atol=1e-6, max_step=0.5)
        state = solved.y[:, -1]
    itrs = to_itrs(until_s)
    position = itrs @ state[:3]
    return position, itrs @ state[3:] - np.cross(turning, position)


def _steering(rocket: Rocket, time: float, velocity: Float64, speed: float, up: Float64, along: Float64) -> Float64:
    if time < rocket.pitch_over_s:
        return up
    kick = math.radians(rocket.kick_deg)
    lean = min(kick, math.radians(2.0) * (time - rocket.pitch_over_s))
    if lean >= kick and velocity @ up <= speed * math.cos(kick):
        return velocity / speed
    return math.cos(lean) * up + math.sin(lean) * along
