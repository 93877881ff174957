"""Which detection belongs to which track: the likeliest one-to-one pairing of those within their gates.

Global nearest neighbour. Pairs fall into clusters that share no track and no detection; most are a single pair and need
no search, the others are solved exactly by shortest augmenting paths (R. Jonker and A. Volgenant, Computing 38 (1987)
325), each track with a place of its own for being missed.
"""

import numpy as np
from numba import njit

# A pairing that the gates forbid: dearer than any real sum.
FORBIDDEN = 1e9


@njit(cache=True, error_model="numpy")
def assign(pair_track, pair_detection, gain, count, detections, chosen):
    """Mark in `chosen` (count,) the pairs whose gains add up to most, no track and no detection twice; return how many.

    pair_track: (count,) any whole numbers, equal ones next to each other; pair_detection: (count,) in [0, detections).
    gain: (count,) log likelihood of the pair over that of a miss; what gains nothing is not paired.
    """
    chosen[:count] = False
    # Clusters by union of the detections that a track has in its gate.
    parent = np.arange(detections)
    for k in range(1, count):
        if pair_track[k] == pair_track[k - 1]:
            a, b = _root(parent, pair_detection[k]), _root(parent, pair_detection[k - 1])
            parent[max(a, b)] = min(a, b)
    size = np.zeros(detections, dtype=np.int64)
    for k in range(count):
        size[_root(parent, pair_detection[k])] += 1
    found = 0
    begun = np.zeros(detections, dtype=np.bool_)
    for k in range(count):
        root = _root(parent, pair_detection[k])
        if begun[root]:
            continue
        begun[root] = True
        if size[root] == 1:
            if gain[k] > 0.0:
                chosen[k] = True
                found += 1
            continue
        members = np.empty(size[root], dtype=np.int64)
        filled = 0
        for other in range(k, count):
            if _root(parent, pair_detection[other]) == root:
                members[filled] = other
                filled += 1
        found += _solve(members, pair_track, pair_detection, gain, chosen)
    return found


@njit(cache=True, error_model="numpy")
def _root(parent, place):
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


@njit(cache=True, error_model="numpy")
def _solve(members, pair_track, pair_detection, gain, chosen):
    """Mark the best pairs of one cluster; return how many."""
    tracks, columns = np.unique(pair_track[members]), np.unique(pair_detection[members])
    rows, width = len(tracks), len(columns) + len(tracks)
    cost = np.full((rows, width), FORBIDDEN)
    name = np.full((rows, len(columns)), -1, dtype=np.int64)
    for row in range(rows):
        cost[row, len(columns) + row] = 0.0
    for member in members:
        row = np.searchsorted(tracks, pair_track[member])
        column = np.searchsorted(columns, pair_detection[member])
        cost[row, column] = -gain[member]
        name[row, column] = member
    found = 0
    matched = shortest_paths(cost)
    for row in range(rows):
        column = matched[row]
        if column < len(columns) and name[row, column] >= 0:
            chosen[name[row, column]] = True
            found += 1
    return found


@njit(cache=True, error_model="numpy")
def shortest_paths(cost):
    """Return (rows,) the column of each row in the cheapest assignment; there are at least as many columns as rows."""
    rows, columns = cost.shape
    # One more column, the last, stands for the row that is being placed.
    u, v = np.zeros(rows), np.zeros(columns + 1)
    owner = np.full(columns + 1, -1, dtype=np.int64)
    before = np.empty(columns, dtype=np.int64)
    for row in range(rows):
        owner[columns] = row
        column = columns
        reach = np.full(columns, np.inf)
        done = np.zeros(columns + 1, dtype=np.bool_)
        while owner[column] >= 0:
            done[column] = True
            here, least, nearest = owner[column], np.inf, -1
            for j in range(columns):
                if done[j]:
                    continue
                reduced = cost[here, j] - u[here] - v[j]
                if reduced < reach[j]:
                    reach[j] = reduced
                    before[j] = column
                if reach[j] < least:
                    least, nearest = reach[j], j
            for j in range(columns + 1):
                if done[j]:
                    u[owner[j]] += least
                    v[j] -= least
                elif j < columns:
                    reach[j] -= least
            column = nearest
        while column != columns:
            owner[column] = owner[before[column]]
            column = before[column]
    matched = np.empty(rows, dtype=np.int64)
    for j in range(columns):
        if owner[j] >= 0:
            matched[owner[j]] = j
    return matched
