"""Which detection belongs to which track: the cheapest one-to-one pairing of those within their gates."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# A pairing that the gates forbid, in the cost matrix of the exact solution: dearer than any real sum.
FORBIDDEN = 1e9


def assign(tracks: Int64, detections: Int64, cost: Float64) -> list[int]:
    """Return which of the allowed pairs are chosen, as indices into the arguments, ascending.

    tracks, detections: (k,) indices of pairs within their gates; cost: (k,) finite. As many pairs as possible are
    chosen, and of these choices the cheapest. Most pairs have no rival and need no search.
    """
    if len(cost) == 0:
        return []
    _, track_place, track_count = np.unique(tracks, return_inverse=True, return_counts=True)
    _, detection_place, detection_count = np.unique(detections, return_inverse=True, return_counts=True)
    alone = (track_count[track_place] == 1) & (detection_count[detection_place] == 1)
    chosen = np.flatnonzero(alone).tolist()
    rivals = np.flatnonzero(~alone)
    if len(rivals):
        chosen += _cheapest(track_place[rivals], detection_place[rivals], cost[rivals], rivals)
    return sorted(chosen)


def _cheapest(rows: Int64, columns: Int64, cost: Float64, names: Int64) -> list[int]:
    rows_used, row = np.unique(rows, return_inverse=True)
    columns_used, column = np.unique(columns, return_inverse=True)
    matrix = np.full((len(rows_used), len(columns_used)), FORBIDDEN)
    name = np.full(matrix.shape, -1, dtype=np.int64)
    matrix[row, column] = cost
    name[row, column] = names
    picked = name[linear_sum_assignment(matrix)]
    return [int(index) for index in picked if index >= 0]
