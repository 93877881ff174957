"""Which satellite sees what, by geometry alone."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.geometry.attitude import look_at
from services.geometry.camera import Camera
from services.geometry.ellipsoid import elevation_rad, geodetic_to_itrs, itrs_to_geodetic
from services.geometry.frames import itrs_from_gcrs
from services.geometry.time import NS_PER_S
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Rocket, Scenario, Sensor
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, start_unix_ns

Float64 = NDArray[np.float64]

# Where the plume has climbed out of the thick of the atmosphere, and how long after the launch at the latest.
PLUME_HEIGHT_M = 10_000.0
LOOK_FOR_S = 60
LOOK_EVERY_S = 5


def lens(sensor: Sensor) -> Camera:
    """Return the camera's geometry, its boresight in the middle of the focal plane; no calibration."""
    return Camera(
        sensor.projection,
        1.0 / sensor.ifov_rad,
        (sensor.rows - 1) / 2,
        (sensor.columns - 1) / 2,
        psf_sigma_px=sensor.psf_sigma_px,
    )


def nominal_pose(satellite: ResolvedSatellite, unix_ns: int) -> tuple[Float64, Float64, Float64]:
    """Return position, velocity (GCRS, m, m/s) and the (3, 3) camera-to-GCRS rotation, without jitter.

    The camera looks at its target, or straight down along the ellipsoid's normal, with the direction of flight at
    the image's top.
    """
    position, velocity = satellite.orbit.state_gcrs(unix_ns)
    itrs = itrs_from_gcrs(unix_ns)
    if satellite.target is None:
        latitude, longitude, _ = itrs_to_geodetic(itrs @ position)
        target_itrs = geodetic_to_itrs(latitude, longitude, 0.0)
    else:
        place = satellite.target
        target_itrs = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m)
    return position, velocity, look_at(position, itrs.T @ target_itrs, velocity)


def satellites_that_see(
    satellites: Iterable[ResolvedSatellite], position_itrs_m: Float64, unix_ns: int
) -> list[ResolvedSatellite]:
    """Return the emulated satellites that have a point, (3,), on their detector and above the point's horizon."""
    itrs = itrs_from_gcrs(unix_ns)
    seeing = []
    for satellite in satellites:
        if satellite.replay is not None:
            continue
        position_gcrs, _, rotation = nominal_pose(satellite, unix_ns)
        if float(elevation_rad(position_itrs_m, itrs @ position_gcrs)) <= 0:
            continue
        row, column = lens(satellite.sensor).project(rotation.T @ (itrs.T @ position_itrs_m - position_gcrs))
        # Comparisons with NaN are false: a point behind the lens is not seen.
        if 0 <= row[0] <= satellite.sensor.rows - 1 and 0 <= column[0] <= satellite.sensor.columns - 1:
            seeing.append(satellite)
    return seeing


def check_launches_seen(scenario: Scenario, satellites: Sequence[ResolvedSatellite]) -> None:
    """Raise ConfigurationError for a rocket that no satellite sees rise, or that rises after the run's end."""
    for place, rocket in enumerate(scenario.rockets):
        where = f"rocket[{place}]"
        if rocket.launch_time_s >= scenario.duration_s:
            raise ConfigurationError(
                f"{where}.launch_time_s",
                f"is {rocket.launch_time_s:g}, and the run ends after {scenario.duration_s:g} s: {rocket.id!r} would "
                "never rise; raise duration_s",
            )
        if not any(satellites_that_see(satellites, _plume_itrs_m(rocket), at) for at in _instants(scenario, rocket)):
            raise ConfigurationError(
                f"{where}.launch",
                f"of {rocket.id!r} at {rocket.launch.latitude_deg:g}, {rocket.launch.longitude_deg:g} is in no "
                "satellite's view; leave `area` out, set it near the launch, widen the camera (ifov_rad, rows, "
                "columns) or lower train.span_deg",
            )


def _plume_itrs_m(rocket: Rocket) -> Float64:
    return geodetic_to_itrs(
        rocket.launch.latitude_deg, rocket.launch.longitude_deg, rocket.launch.height_m + PLUME_HEIGHT_M
    )


def _instants(scenario: Scenario, rocket: Rocket) -> list[int]:
    launch = start_unix_ns(scenario) + round(rocket.launch_time_s * NS_PER_S)
    latest = min(launch + LOOK_FOR_S * NS_PER_S, end_unix_ns(scenario))
    return list(range(launch, latest + 1, LOOK_EVERY_S * NS_PER_S))
