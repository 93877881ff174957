"""Shells and planes: of drawn constellations by their pattern, of a catalogue's satellites by where they fly."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.geometry.elements import RADIUS_WGS72_KM
from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.orbit import Orbit, propagate_teme
from services.relay.network.grid import Float64, GridShell, Int32

# Shells differ by more, satellites of one shell by less (Starlink's as flown keep their inclination to 0.01 degrees).
INCLINATION_GAP_RAD = math.radians(0.3)
# Satellites of a shell keep their mean altitude within hundreds of metres; those this far off it drift past the others
# by a quarter of a degree a revolution.
SHELL_HALF_HEIGHT_M = 1_500.0
PEAK_HALF_HEIGHT_M = 500.0
# Planes of a shell are degrees apart, satellites of a plane tenths of one.
NODE_GAP_RAD = math.radians(0.5)
# What a plane must have, and a shell: a launch on its way up fills one plane, two or three, at an altitude of its own.
LEAST_IN_PLANE = 5
LEAST_PLANES = 6


def drawn_shell(name: str, first: int, orbits: Sequence[Orbit], plane: Sequence[int]) -> GridShell:
    """Return the shell of circular orbits that were drawn for one instant; its members are `first` and following."""
    satrecs = [orbit.satrec for orbit in orbits]
    return GridShell(
        name,
        np.arange(first, first + len(satrecs), dtype=np.int32),
        np.array(plane, dtype=np.int32),
        np.array([satrec.nodeo for satrec in satrecs]),
        np.array([satrec.argpo + satrec.mo for satrec in satrecs]),
        float(satrecs[0].inclo),
        float(satrecs[0].a) * RADIUS_WGS72_KM * 1000.0,
    )


def catalogue_shells(orbits: Sequence[Orbit], unix_ns: int) -> tuple[GridShell, ...]:
    """Return the shells that satellites fly in at an instant; members are places in `orbits`.

    A shell is a peak in the mean altitudes of one inclination, a plane a group of its nodes at the instant. Satellites
    that are raising or lowering their orbits are in none. A shell is called after its inclination in degrees and
    altitude in kilometres, for instance "53.2-540".
    """
    if not orbits:
        return ()
    inclination = np.array([orbit.satrec.inclo for orbit in orbits])
    radius_m = np.array([orbit.satrec.a for orbit in orbits]) * RADIUS_WGS72_KM * 1000.0
    raan, argument = _nodes_and_arguments(orbits, unix_ns)
    shells = []
    for alike in _groups(inclination, INCLINATION_GAP_RAD):
        for peak in _peaks(alike, radius_m):
            planes = _planes(raan[peak])
            members, plane = peak[planes >= 0], planes[planes >= 0]
            if plane.max(initial=-1) + 1 < LEAST_PLANES:
                continue
            tilt, radius = float(np.median(inclination[members])), float(np.median(radius_m[members]))
            name = f"{math.degrees(tilt):.1f}-{(radius - SEMI_MAJOR_M) / 1000:.0f}"
            shells.append(
                GridShell(name, members.astype(np.int32), plane, raan[members], argument[members], tilt, radius)
            )
    return tuple(shells)


def _nodes_and_arguments(orbits: Sequence[Orbit], unix_ns: int) -> tuple[Float64, Float64]:
    """Return right ascensions of the nodes and arguments of latitude, TEME, of all orbits at one instant.

    Of the osculating orbits, which leave the mean ones by some hundredths of a degree.
    """
    position, velocity, _ = propagate_teme(orbits, unix_ns)
    normal = np.cross(position, velocity)
    raan = np.arctan2(normal[:, 0], -normal[:, 1])
    along_node = position[:, 0] * np.cos(raan) + position[:, 1] * np.sin(raan)
    # A quarter turn ahead of the node, in the orbit's plane.
    sine = position[:, 2] * np.linalg.norm(normal, axis=1) / np.hypot(normal[:, 0], normal[:, 1])
    return raan, np.arctan2(sine, along_node)


def _groups(values: Float64, gap: float) -> list[NDArray[np.intp]]:
    """Return the places of values that lie together, each group apart from the next by more than a gap."""
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order]) > gap) + 1)


def _peaks(places: NDArray[np.intp], radius_m: Float64) -> list[NDArray[np.intp]]:
    """Return the places that belong to each peak of the altitudes, the highest peak first."""
    rest = places[np.argsort(radius_m[places], kind="stable")]
    peaks = []
    while rest.size >= LEAST_IN_PLANE * LEAST_PLANES:
        height = radius_m[rest]
        near = np.searchsorted(height, height + PEAK_HALF_HEIGHT_M) - np.searchsorted(
            height, height - PEAK_HALF_HEIGHT_M
        )
        if near.max() < LEAST_IN_PLANE * LEAST_PLANES:
            break
        middle = float(np.median(height[near == near.max()]))
        inside = np.abs(height - middle) <= SHELL_HALF_HEIGHT_M
        peaks.append(np.sort(rest[inside]))
        rest = rest[~inside]
    return peaks


def _planes(raan_rad: Float64) -> Int32:
    """Return each satellite's plane, numbered eastwards from the vernal equinox; -1: in none."""
    turned = raan_rad % (2 * math.pi)
    groups = _groups(turned, NODE_GAP_RAD)
    # Nodes go round: the last group may go on with the first.
    if len(groups) > 1 and turned[groups[0][0]] + 2 * math.pi - turned[groups[-1][-1]] <= NODE_GAP_RAD:
        groups = [np.concatenate([groups[-1], groups[0]]), *groups[1:-1]]
    plane = np.full(len(raan_rad), -1, dtype=np.int32)
    for number, group in enumerate(group for group in groups if group.size >= LEAST_IN_PLANE):
        plane[group] = number
    return plane
