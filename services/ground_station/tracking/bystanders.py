"""Cameras that have a track well in view, and would see it if there were an object, but never did.

Lines of sight of two satellites to unrelated sources cross anywhere. Where they cross high above all cloud, others that
are as near and look there see nothing. Their looks count together, while it is undecided whether the track moves.
"""

import math

from numba import njit

from services.ground_station.tracking.forces import height_m

# Above all cloud; well above the horizon as the object sees the satellite, sine; looks without it that are no chance.
CLOUDLESS_M = 18_000.0
LEAST_ELEVATION_SINE = math.sin(math.radians(10.0))
DISPROVING_LOOKS = 3


@njit(cache=True, error_model="numpy")
def note_bystander(track, sensor, sensors):
    """Count a look of a sensor that has a track in view and never saw it, if it is as near as one that does.

    sensors: records of those that have looked. Where the object would be dim for it, nothing is counted.
    """
    if height_m(track.mean[0], track.mean[1], track.mean[2]) < CLOUDLESS_M:
        return
    its_m, elevation_sine = _seen_from(track, sensors[sensor].position)
    if elevation_sine < LEAST_ELEVATION_SINE:
        return
    for other in range(len(sensors)):
        if track.sensors >> other & 1 and its_m <= _seen_from(track, sensors[other].position)[0]:
            track.bystanders += 1
            return


@njit(cache=True, error_model="numpy")
def is_disproved(track):
    """Return whether two satellites alone see a track where others see nothing."""
    return seen_by_two(track) and track.bystanders >= DISPROVING_LOOKS


@njit(cache=True, error_model="numpy")
def seen_by_two(track):
    """Return whether two satellites and no others ever saw a track."""
    others = track.sensors & (track.sensors - 1)
    return others != 0 and others & (others - 1) == 0


@njit(cache=True, error_model="numpy")
def _seen_from(track, position):
    """Return how far a satellite is from a track, and the sine of its elevation there."""
    distance2, height2, along = 0.0, 0.0, 0.0
    for k in range(3):
        ray = position[k] - track.mean[k]
        distance2 += ray * ray
        height2 += track.mean[k] * track.mean[k]
        along += ray * track.mean[k]
    distance = math.sqrt(distance2)
    return distance, along / (distance * math.sqrt(height2))
