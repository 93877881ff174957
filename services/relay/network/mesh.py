"""Relay satellites and the laser links that their terminals are pointed along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.geometry.orbit import Orbit
from services.relay.network.grid import GridShell, Int32, plus_grid, reach_rad
from services.scenario.model import Network


@dataclass(frozen=True, eq=False)
class Mesh:
    """All relay satellites, those that fly in no plane of a shell included.

    shells: names of the shells. shell: (n,) place in `shells` of each satellite. plane: (n,) within its shell, from
    0. Both are -1 of a satellite in none, as one that is raising its orbit, which has no laser links to other relays.
    links: (m, 2) each link once, as places in `names`, first < second, sorted. A terminal stays pointed along its link;
    whether the link can be used at an instant is up to geometry and faults.
    """

    names: tuple[str, ...]
    orbits: tuple[Orbit, ...]
    shells: tuple[str, ...]
    shell: Int32
    plane: Int32
    links: Int32
    index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {name: place for place, name in enumerate(self.names)})

    def planes_of(self, shell: str) -> int:
        """Return how many planes a shell has; KeyError if there is no such shell."""
        if shell not in self.shells:
            raise KeyError(shell)
        members = self.plane[self.shell == self.shells.index(shell)]
        return int(members.max(initial=-1)) + 1

    def neighbours(self, name: str) -> tuple[str, ...]:
        """Return the satellites that one has laser links to; KeyError if there is none of that name."""
        place = self.index[name]
        touching = self.links[np.any(self.links == place, axis=1)]
        return tuple(self.names[first + second - place] for first, second in touching.tolist())


def mesh_of(orbits: Mapping[str, Orbit], shells: Sequence[GridShell], network: Network) -> Mesh:
    """Return the mesh of relay satellites by name, with the laser links of each shell's +Grid.

    shells: their members are places in `orbits`; who is in none of them has no links.
    """
    shell = np.full(len(orbits), -1, dtype=np.int32)
    plane = np.full(len(orbits), -1, dtype=np.int32)
    links = [np.empty((0, 2), dtype=np.int32)]
    for number, each in enumerate(shells):
        shell[each.members], plane[each.members] = number, each.plane
        within = reach_rad(each.radius_m, network.crosslink_range_m, network.grazing_height_m)
        links.append(plus_grid(each, within))
    every = np.concatenate(links)
    # A satellite is in one shell only, so that no link is there twice.
    return Mesh(
        tuple(orbits),
        tuple(orbits.values()),
        tuple(each.name for each in shells),
        shell,
        plane,
        np.ascontiguousarray(every[np.lexsort((every[:, 1], every[:, 0]))]),
    )
