"""Which satellite sees what, by geometry alone."""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from services.geometry.attitude import look_at
from services.geometry.camera import Camera
from services.geometry.ellipsoid import elevation_rad, geodetic_to_itrs, itrs_to_geodetic
from services.geometry.frames import itrs_from_gcrs
from services.geometry.geodesic import geodesic_destination, geodesic_inverse
from services.geometry.time import NS_PER_S, unix_ns
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Cruise, Place, Rocket, Scenario, Sensor, TrajectoryFile

if TYPE_CHECKING:
    # Resolving asks this file which satellites of a constellation see the area.
    from services.scenario.resolve import ResolvedSatellite

Float64 = NDArray[np.float64]

# Where the plume has climbed out of the thick of the atmosphere, and how long after the launch at the latest.
PLUME_HEIGHT_M = 10_000.0
LOOK_FOR_S = 60.0
LOOK_EVERY_S = 5.0
# On a long way as many.
MOST_LOOKS = 60
# Columns by which a trajectory file says itself where on the Earth it is.
PLACES = ({"latitude_deg", "longitude_deg", "height_m"}, {"x_itrs_m", "y_itrs_m", "z_itrs_m"})


def lens(sensor: Sensor) -> Camera:
    """Return the camera's geometry, its boresight in the middle of the focal plane; no calibration."""
    return Camera(
        sensor.projection,
        1.0 / sensor.ifov_rad,
        (sensor.rows - 1) / 2,
        (sensor.columns - 1) / 2,
        sensor.distortion_k1,
        sensor.distortion_k2,
        psf_sigma_px=sensor.psf_sigma_px,
    )


def nominal_pose(satellite: "ResolvedSatellite", unix_ns: int) -> tuple[Float64, Float64, Float64]:
    """Return position, velocity (GCRS, m, m/s) and the (3, 3) camera-to-GCRS rotation, without jitter.

    The camera looks as its table of attitudes says, at its target, or straight down along the ellipsoid's normal; the
    latter two have the direction of flight at the image's top. BadInputError outside the table's time span.
    """
    position, velocity = satellite.orbit.state_gcrs(unix_ns)
    if satellite.table is not None:
        return position, velocity, satellite.table.rotation(unix_ns)
    itrs = itrs_from_gcrs(unix_ns)
    if satellite.target is None:
        latitude, longitude, _ = itrs_to_geodetic(itrs @ position)
        target_itrs = geodetic_to_itrs(latitude, longitude, 0.0)
    else:
        place = satellite.target
        target_itrs = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m)
    return position, velocity, look_at(position, itrs.T @ target_itrs, velocity)


def satellites_that_see(
    satellites: "Iterable[ResolvedSatellite]", position_itrs_m: Float64, unix_ns: int
) -> "list[ResolvedSatellite]":
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


def check_launches_seen(scenario: Scenario, satellites: "Sequence[ResolvedSatellite]") -> None:
    """Raise ConfigurationError for a threat that no satellite ever sees, that begins after the end, or has two places.

    A rocket's plume, or a file's with a `launch`, must be seen within a minute of the launch, a cruise missile
    somewhere on its way. Where a file without a `launch` begins is known to who flies it only; one with it
    must not say so itself.
    """
    threats: dict[str, Sequence[Rocket | Cruise | TrajectoryFile]] = {
        "rocket": scenario.rockets,
        "cruise": scenario.cruises,
        "trajectory": scenario.trajectories,
    }
    for key, several in threats.items():
        for place, threat in enumerate(several):
            _check_seen(scenario, satellites, threat, f"{key}[{place}]")


def _check_seen(
    scenario: Scenario, satellites: "Sequence[ResolvedSatellite]", threat: Rocket | Cruise | TrajectoryFile, where: str
) -> None:
    if threat.launch_time_s >= scenario.duration_s:
        raise ConfigurationError(
            f"{where}.launch_time_s",
            f"is {threat.launch_time_s:g}, and the run ends after {scenario.duration_s:g} s: {threat.id!r} would "
            "never rise; raise duration_s",
        )
    if isinstance(threat, TrajectoryFile) and threat.launch is not None:
        _check_placed_once(threat, where)
    if isinstance(threat, Cruise):
        word, site, ways = "way_point", threat.way_points[0], _cruise_way(scenario, threat)
    elif threat.launch is not None:
        word, site, ways = "launch", threat.launch, _rise(scenario, threat.launch_time_s, threat.launch)
    else:
        return
    if not any(satellites_that_see(satellites, position, at) for at, position in ways):
        raise ConfigurationError(
            f"{where}.{word}",
            f"of {threat.id!r} at {site.latitude_deg:g}, {site.longitude_deg:g} is in no satellite's view; leave "
            "`area` out, set it near the launch, widen the camera (ifov_rad, rows, columns) or bring the satellites "
            "nearer (train.span_deg)",
        )


def _check_placed_once(trajectory: TrajectoryFile, where: str) -> None:
    """Raise ConfigurationError where `launch` would place on the Earth what its file already places there.

    A file that cannot be read is left to who flies it.
    """
    try:
        with trajectory.path.open(encoding="utf-8-sig", newline="") as file:
            names = {name.strip() for name in next(csv.reader(file), [])}
    except (OSError, UnicodeDecodeError, csv.Error):
        return
    for places in PLACES:
        if names >= places:
            raise ConfigurationError(
                f"{where}.launch",
                f"places {trajectory.id!r}, and so does {trajectory.path.name} with {', '.join(sorted(places))}; leave "
                "launch and heading_deg, which go with speed and height, out and set `area`",
            )


def _rise(scenario: Scenario, launch_time_s: float, launch: Place) -> Iterator[tuple[int, Float64]]:
    """Yield instants and where, (3,), ITRS, a plume is to be looked for."""
    plume = geodetic_to_itrs(launch.latitude_deg, launch.longitude_deg, launch.height_m + PLUME_HEIGHT_M)
    for at in _instants(scenario, launch_time_s, LOOK_FOR_S, LOOK_EVERY_S):
        yield at, plume


def _cruise_way(scenario: Scenario, cruise: Cruise) -> Iterator[tuple[int, Float64]]:
    """Yield instants and where, (3,), ITRS, a cruise missile then is, its turns taken as corners."""
    legs = [
        geodesic_inverse(before.latitude_deg, before.longitude_deg, after.latitude_deg, after.longitude_deg)
        for before, after in pairwise(cruise.way_points)
    ]
    passed_m = np.concatenate([[0.0], np.cumsum([length for length, _ in legs])])
    flight_s = float(passed_m[-1]) / cruise.speed_m_per_s
    every_s = max(LOOK_EVERY_S, flight_s / MOST_LOOKS)
    for at in _instants(scenario, cruise.launch_time_s, flight_s, every_s):
        since_launch_s = (at - unix_ns(scenario.start)) / NS_PER_S - cruise.launch_time_s
        # At the launch the difference may fall short of zero in its last digit.
        flown_m = max(0.0, since_launch_s * cruise.speed_m_per_s)
        leg = min(int(np.searchsorted(passed_m, flown_m, side="right")) - 1, len(legs) - 1)
        before, into_m = cruise.way_points[leg], flown_m - float(passed_m[leg])
        height_m = float(np.interp(flown_m, passed_m, [place.height_m for place in cruise.way_points]))
        latitude, longitude = geodesic_destination(before.latitude_deg, before.longitude_deg, legs[leg][1], into_m)
        yield at, geodetic_to_itrs(latitude, longitude, height_m)


def _instants(scenario: Scenario, launch_time_s: float, for_s: float, every_s: float) -> list[int]:
    """Return instants from the launch on, every so often for so long or to the run's end."""
    last_s = min(for_s, scenario.duration_s - launch_time_s)
    start = unix_ns(scenario.start)
    return [
        start + round((launch_time_s + k * every_s) * NS_PER_S) for k in range(math.floor(last_s / every_s + 1e-9) + 1)
    ]
