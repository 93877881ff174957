"""Paths of least delay through the mesh: from one satellite down, and from every satellite at once.

A path costs the light time of its legs and what each node that receives a frame needs to switch it. An exit is what
is left of it from a satellite that sends down: light time, and what the gateway adds.

The heap is binary, in the caller's arrays, its entries never changed: a cheaper way to a node enters it anew, and what
comes out for a node that is done is passed over. A node is done once, so no more than its links enter it: room for one
entry a directed link and one a start is enough. Marks tell the nodes of this search from those of the ones before.
"""

import math

from numba import njit

from services.relay.network.light import LIGHT_M_PER_S

# Takes from the light path's lower bound what rounding may have added to it.
CAUTION = 1.0 - 1e-12


@njit("void(float64[::1], int32[::1], int64, float64, int32)", cache=True, nogil=True, error_model="numpy")
def _push(keys, nodes, size, key, node):
    """Enter a node into the heap of `size` entries."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if keys[parent] <= key:
            break
        keys[place], nodes[place] = keys[parent], nodes[parent]
        place = parent
    keys[place], nodes[place] = key, node


@njit("void(float64[::1], int32[::1], int64)", cache=True, nogil=True, error_model="numpy")
def _drop_least(keys, nodes, size):
    """Take the least entry out of the heap of `size` entries; the last one finds its place from the top."""
    last = size - 1
    key, node = keys[last], nodes[last]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= last:
            break
        if child + 1 < last and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[place], nodes[place] = keys[child], nodes[child]
        place = child
    keys[place], nodes[place] = key, node


@njit(
    "float64(float64[:,::1], int64, float64[:,::1], float64[::1], float64, float64, float64)",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def least_left(places, node, sites, bases_s, per_m, per_far_m, reach_m):
    """Return a delay that no path from a relay satellite to any gateway undercuts, seconds.

    sites: (g, 3) of the gateways, those that add least first. bases_s: (g,) what each adds. per_m: light's.
    per_far_m: of switching, for every metre beyond the longest ground link `reach_m`: a hop is at most as long as the
    longest laser link. Along a link it falls by no more than the link costs.
    """
    least = math.inf
    for g in range(sites.shape[0]):
        if bases_s[g] >= least:
            break
        x, y, z = places[node, 0] - sites[g, 0], places[node, 1] - sites[g, 1], places[node, 2] - sites[g, 2]
        away = math.sqrt(x * x + y * y + z * z)
        left = bases_s[g] + away * per_m
        if away > reach_m:
            left += (away - reach_m) * per_far_m
        least = min(least, left)
    return least * CAUTION


@njit(
    "Tuple((int32, float64))(int32[::1], float64[::1], int32[:,::1], int32[:,::1], float64[::1], float64, float64[::1],"
    "float64[:,::1], float64[:,::1], float64[::1], float64, float64, float64,"
    "int32, float64[::1], int32[::1], int32[::1], float64[::1], int32[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def least_delay_path(
    starts, start_delays_s, neighbours, joined_by, link_delays_s, processing_s, exits_s,
    places, sites, bases_s, per_m, per_far_m, reach_m,
    mark, reached_s, came_from, marks, keys, nodes,
):  # fmt: skip
    """Return the relay satellite that sends down (-1: no path) and the delay of the whole path; A*.

    starts, start_delays_s: (s,) the relay satellites that the frame comes to first, and when.
    neighbours, joined_by: (n, k) satellites at the other ends of each one's links, and the links; -1: none (more).
    link_delays_s: (m,), inf: cannot be used. exits_s: (n,), inf: no gateway. For the bound see `least_left`.
    mark: even, larger than in any search before with these arrays. reached_s, came_from, marks: (n,); came_from leads
    back from the result to a start, whose own is -1. keys, nodes: the heap, (n k + s).
    """
    size = 0
    for s in range(starts.size):
        node, delay = starts[s], start_delays_s[s]
        if delay < math.inf and (marks[node] != mark or delay < reached_s[node]):
            marks[node], reached_s[node], came_from[node] = mark, delay, -1
            _push(keys, nodes, size, delay + least_left(places, node, sites, bases_s, per_m, per_far_m, reach_m), node)
            size += 1
    best, last = math.inf, -1
    while size > 0 and keys[0] < best:
        node = nodes[0]
        _drop_least(keys, nodes, size)
        size -= 1
        if marks[node] != mark:
            continue
        marks[node] = mark + 1
        here = reached_s[node]
        if here + exits_s[node] < best:
            best, last = here + exits_s[node], node
        for k in range(neighbours.shape[1]):
            other = neighbours[node, k]
            if other < 0:
                break
            there = here + (link_delays_s[joined_by[node, k]] + processing_s)
            if there < best and marks[other] != mark + 1 and (marks[other] != mark or there < reached_s[other]):
                bound = there + least_left(places, other, sites, bases_s, per_m, per_far_m, reach_m)
                if bound < best:
                    marks[other], reached_s[other], came_from[other] = mark, there, node
                    _push(keys, nodes, size, bound, other)
                    size += 1
    return last, best


@njit(
    "void(int32[:,::1], int32[:,::1], float64[::1], float64, float64[::1], int32[::1], float64[::1], int32[::1],"
    "uint8[::1], float64[::1], int32[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def nearest_exits(
    neighbours, joined_by, link_delays_s, processing_s, exits_s, exit_gateways, delays_s, gateways, done, keys, nodes
):
    """Fill the least delay (n,) from every relay satellite to the ground, inf: none, and by which gateway, -1: none.

    One search from all exits at once: links cost the same both ways. done: (n,), zeros.
    """
    size = 0
    for node in range(exits_s.size):
        delays_s[node], gateways[node] = exits_s[node], -1
        if exits_s[node] < math.inf:
            gateways[node] = exit_gateways[node]
            _push(keys, nodes, size, exits_s[node], node)
            size += 1
    while size > 0:
        node = nodes[0]
        _drop_least(keys, nodes, size)
        size -= 1
        if done[node]:
            continue
        done[node] = 1
        here = delays_s[node]
        for k in range(neighbours.shape[1]):
            other = neighbours[node, k]
            if other < 0:
                break
            there = here + (link_delays_s[joined_by[node, k]] + processing_s)
            if there < delays_s[other]:
                delays_s[other], gateways[other] = there, gateways[node]
                _push(keys, nodes, size, there, other)
                size += 1


@njit(
    "void(int32[::1], int32[::1], float64[::1], float64[::1], boolean[::1], float64[::1], int32[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def fill_exits(relays, gateways, distances_m, bases_s, wanted, exits_s, exit_gateways):
    """Lower exits_s (n,) to the least of each satellite's ground links, and name its gateway.

    relays, gateways, distances_m: (p,) the links. bases_s, wanted: (g,) what each gateway adds, and whether it may be
    used.
    """
    for pair in range(relays.size):
        gateway = gateways[pair]
        if wanted[gateway]:
            delay = distances_m[pair] / LIGHT_M_PER_S + bases_s[gateway]
            if delay < exits_s[relays[pair]]:
                exits_s[relays[pair]], exit_gateways[relays[pair]] = delay, gateway
