"""+Grid: which relay satellites of a shell point their laser terminals at each other.

Four terminals a satellite: fore and aft in its plane, and one to a neighbour in each adjacent plane (D. Bhattacherjee
and A. Singla, "Network topology design at 27,000 km/hour", CoNEXT 2019, section 2). The neighbour is the one that
stays nearest. Two satellites of circular orbits of one size, whose nodes are `dW` apart, keep nearest to each other
all round where their arguments of latitude differ by `du = -dW cos(i)`; what a pair misses that by is how far it is
from abreast.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]

# Planes whose nodes are this far apart or further are no neighbours: beyond, they rather meet than run side by side.
# A star's first and last plane, which counter-rotate, are half a turn apart.
WIDEST_STEP_RAD = math.radians(90) - 1e-9
# Where two satellites are equally near, the one ahead counts as nearer by this: both ends then choose alike.
TIE_RAD = 1e-7


@dataclass(frozen=True)
class GridShell:
    """A shell's satellites at one instant; each array has one entry a satellite.

    members: places in the mesh. plane: from 0, eastwards by its node. raan_rad, argument_rad (of latitude), and the
    shell's inclination: TEME.
    """

    name: str
    members: Int32
    plane: Int32
    raan_rad: Float64
    argument_rad: Float64
    inclination_rad: float
    radius_m: float


def reach_rad(radius_m: float, range_m: float, grazing_height_m: float) -> float:
    """Return how far apart on a circle two satellites may stand to see each other, as seen from the Earth's centre."""
    lowest_m = SEMI_MAJOR_M + grazing_height_m
    if radius_m <= lowest_m:
        return 0.0
    chord_m = min(range_m, 2 * math.sqrt(radius_m**2 - lowest_m**2))
    return 2 * math.asin(min(1.0, chord_m / (2 * radius_m)))


def plus_grid(shell: GridShell, within_rad: float) -> Int32:
    """Return the links of a shell, (m, 2) places in the mesh, first < second, sorted, each once.

    within_rad: from `reach_rad`; satellites further apart along their orbit are not linked, and neighbours in adjacent
    planes that are half of it from abreast neither: it takes the other half to cross over.
    """
    if not shell.members.size:
        return np.empty((0, 2), dtype=np.int32)
    pairs = [_fore_and_aft(shell, within_rad)]
    members = [np.flatnonzero(shell.plane == plane) for plane in range(int(shell.plane.max(initial=-1)) + 1)]
    nodes = [_mean_direction(shell.raan_rad[rows]) for rows in members]
    for plane, rows in enumerate(members):
        eastward = (plane + 1) % len(members)
        step = (nodes[eastward] - nodes[plane]) % (2 * math.pi)
        if 0 < step < WIDEST_STEP_RAD and rows.size and members[eastward].size:
            pairs.append(_abreast(shell, rows, members[eastward], within_rad / 2))
    links = np.sort(shell.members[np.concatenate(pairs)], axis=1)
    return np.unique(links, axis=0).astype(np.int32)


def _fore_and_aft(shell: GridShell, within_rad: float) -> NDArray[np.intp]:
    """Return pairs of rows that follow each other in their planes, the last and the first one included."""
    argument = shell.argument_rad % (2 * math.pi)
    order = np.lexsort((argument, shell.plane))
    starts = np.flatnonzero(np.diff(shell.plane[order], prepend=-1))
    ahead = np.roll(order, -1)
    # A plane's last satellite is followed by its first.
    ahead[np.append(starts[1:], len(order)) - 1] = order[starts]
    gap = (argument[ahead] - argument[order]) % (2 * math.pi)
    linked = (ahead != order) & (gap <= within_rad)
    return np.stack([order[linked], ahead[linked]], axis=1)


def _abreast(shell: GridShell, west: NDArray[np.intp], east: NDArray[np.intp], within_rad: float) -> NDArray[np.intp]:
    """Return pairs of rows of two planes, each row at most once: always the two that are nearest to each other."""
    step = _to_half_turn(shell.raan_rad[east][None, :] - shell.raan_rad[west][:, None])
    ahead = shell.argument_rad[east][None, :] - shell.argument_rad[west][:, None]
    miss = np.abs(_to_half_turn(ahead + step * math.cos(shell.inclination_rad)) - TIE_RAD)
    miss[miss > within_rad] = np.inf
    pairs = []
    while miss.size:
        nearest_east, nearest_west = miss.argmin(axis=1), miss.argmin(axis=0)
        rows = np.arange(len(west))
        chosen = (nearest_west[nearest_east] == rows) & np.isfinite(miss[rows, nearest_east])
        if not chosen.any():
            break
        pairs.append(np.stack([west[chosen], east[nearest_east[chosen]]], axis=1))
        # Those are taken; the rest choose again among themselves.
        miss[chosen] = np.inf
        miss[:, nearest_east[chosen]] = np.inf
    return np.concatenate(pairs) if pairs else np.empty((0, 2), dtype=np.intp)


def _to_half_turn(angle_rad: Float64) -> Float64:
    """Return angles in [-pi, pi)."""
    turned: Float64 = (angle_rad + math.pi) % (2 * math.pi) - math.pi
    return turned


def _mean_direction(angle_rad: Float64) -> float:
    return math.atan2(float(np.sin(angle_rad).sum()), float(np.cos(angle_rad).sum()))
