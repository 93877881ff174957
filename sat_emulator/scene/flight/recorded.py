"""Flight along a trajectory from a file."""

import math

import numpy as np
from scipy.interpolate import PchipInterpolator

from sat_emulator.scene.flight.flight import Float64
from sat_emulator.scene.flight.trajectory_table import (
    GEODETIC,
    INTENSITY,
    WEBCAST,
    TrajectoryTable,
    read_trajectory,
)
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs, itrs_to_geodetic
from services.geometry.geodesic import MEAN_RADIUS_M, geodesic_destination
from services.runtime.configuration import ConfigurationError
from services.runtime.errors import BadInputError
from services.scenario.model import TrajectoryFile

# Webcasts show height to 0.1 km: a climb between rows may seem so much more than the speed allows.
HEIGHT_RESOLUTION_M = 100.0
SPEED_RESOLUTION = 0.02
# A webcast's rows are integrated in so many parts.
PARTS = 8


class FileFlight:
    """A `Flight` from a CSV file: cubics between rows that do not overshoot, and their slope as velocity.

    scipy's PCHIP; F. N. Fritsch and R. E. Carlson, SIAM J. Numer. Anal. 17 (1980) 238. They run in axes along the way's
    first vertical, because one that turns back between rows (which a height does once, a coordinate of ITRS anywhere)
    gets its turning point at a row.
    """

    def __init__(self, trajectory: TrajectoryFile, until_s: float) -> None:
        """until_s: no later instant is asked for.

        Raises BadInputError for the file (trajectory_table.py) and for a speed below the climb between its rows;
        ConfigurationError where a file of speed and height has no `launch` and `heading_deg`.
        """
        table = read_trajectory(trajectory.path)
        times, positions = _webcast(trajectory, table) if table.kind == WEBCAST else (table.times_s, _itrs(table))
        self._origin = positions[0].copy()
        self._axes = _axes(positions)
        self._way = PchipInterpolator(times, (positions - self._origin) @ self._axes.T)
        self._slope = self._way.derivative()
        self._first_s, self._last_s = float(times[0]), float(times[-1])
        self._intensities = (table.times_s, table.columns[INTENSITY]) if INTENSITY in table.columns else None
        self._burnout_s = self._last_s if trajectory.burn_time_s is None else trajectory.burn_time_s
        self._end_s = min(self._last_s, until_s)

    @property
    def burnout_s(self) -> float:
        """When its engine stops, after launch."""
        return self._burnout_s

    @property
    def end_s(self) -> float:
        """When its file ends, or the last instant asked for, after launch."""
        return self._end_s

    def stage_at(self, time_s: float) -> int | None:
        """Return 0 while its engine burns; a file does not tell stages apart."""
        return 0 if 0 <= time_s < self._burnout_s else None

    def state_itrs(self, time_s: float) -> tuple[Float64, Float64]:
        """Return position and velocity over the turning Earth, (3,) each, ITRS, m and m/s.

        At rest where the file begins until it begins; ValueError beyond `end_s`.
        """
        if time_s < self._first_s:
            return self._origin.copy(), np.zeros(3)
        if time_s > self._end_s + 1e-9:
            raise ValueError(f"{time_s:g} s is beyond the trajectory's end at {self._end_s:g} s")
        position: Float64 = self._origin + self._way(time_s) @ self._axes
        return position, self._slope(time_s) @ self._axes

    def radiant_intensity_w_per_sr(self, time_s: float) -> float | None:
        """Return the file's radiant intensity, W/sr, straight between rows and 0 outside; None where it has none."""
        if self._intensities is None:
            return None
        return float(np.interp(time_s, *self._intensities, left=0.0, right=0.0))


def _itrs(table: TrajectoryTable) -> Float64:
    first, second, third = (table.columns[name] for name in table.kind)
    return (
        geodetic_to_itrs(first, second, third) if table.kind == GEODETIC else np.stack([first, second, third], axis=-1)
    )


def _axes(positions: Float64) -> Float64:
    """Return rotation rows: along the way from first to last row, aside, and up, at the first row."""
    latitude, longitude, _ = itrs_to_geodetic(positions[0])
    local = east_north_up(float(latitude), float(longitude))
    east, north, _ = local @ (positions[-1] - positions[0])
    heading = math.atan2(east, north)
    cosine, sine = math.cos(heading), math.sin(heading)
    axes: Float64 = np.array([[sine, cosine, 0.0], [cosine, -sine, 0.0], [0.0, 0.0, 1.0]]) @ local
    return axes


def _webcast(trajectory: TrajectoryFile, table: TrajectoryTable) -> tuple[Float64, Float64]:
    """Return times and positions of a file of speed and height, on the geodesic of the heading.

    What of the speed is no climb goes along the ground, less by the Earth's radius over that of the height.
    """
    if trajectory.launch is None or trajectory.heading_deg is None:
        raise ConfigurationError(
            f"trajectory {trajectory.id!r}",
            f"{table.path} has speed and height only; set launch and heading_deg, which place them on the Earth",
        )
    speeds = PchipInterpolator(table.times_s, table.columns["speed_m_per_s"])
    heights = PchipInterpolator(table.times_s, table.columns["height_m"])
    _check_climb(table, speeds)
    rows = np.arange(len(table.times_s))
    times = np.interp(np.linspace(0, rows[-1], PARTS * rows[-1] + 1), rows, table.times_s)
    height, climb = heights(times), heights(times, 1)
    level = np.sqrt(np.maximum(0.0, speeds(times) ** 2 - climb**2)) * MEAN_RADIUS_M / (MEAN_RADIUS_M + height)
    steps = np.diff(times) * (level[1:] + level[:-1]) / 2
    downrange = np.concatenate([[0.0], np.cumsum(steps)])
    place, heading = trajectory.launch, trajectory.heading_deg
    points = [geodesic_destination(place.latitude_deg, place.longitude_deg, heading, s) for s in downrange.tolist()]
    latitudes, longitudes = np.array(points).T
    return times, geodetic_to_itrs(latitudes, longitudes, height)


def _check_climb(table: TrajectoryTable, speeds: PchipInterpolator) -> None:
    times, heights = table.times_s, table.columns["height_m"]
    way = speeds.antiderivative()(times)
    spare = np.diff(way) * (1 + SPEED_RESOLUTION) + HEIGHT_RESOLUTION_M - np.abs(np.diff(heights))
    for index in np.flatnonzero(spare < 0)[:1].tolist():
        climb = abs(heights[index + 1] - heights[index]) / (times[index + 1] - times[index])
        raise BadInputError(
            str(table.path),
            f"line {table.lines[index + 1]}: speed_m_per_s is {table.columns['speed_m_per_s'][index + 1]:g}, but "
            f"height_m changes by {climb:g} m/s since the line before; correct one of them",
        )
