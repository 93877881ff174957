"""Which way a camera points: rotation matrices and the quaternions that the wire carries."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]

# Below this sine of the angle between boresight and up, "up" says nothing.
PARALLEL = 1e-6
# Below this angle between two quaternions the straight line between them is the arc to the last digit.
STRAIGHT_RAD = 1e-8


def look_at(position_gcrs_m: ArrayLike, target_gcrs_m: ArrayLike, up_hint: ArrayLike) -> Float64:
    """Return the camera-to-GCRS rotation of a camera that looks from one point at another.

    Columns are the camera's axes in GCRS: x growing columns, y growing rows, z boresight. `up_hint` (any length)
    points to the image's top as nearly as the boresight lets it; where the two are parallel, some direction is taken.
    Any other frame does as well as GCRS, if all three arguments are in it.
    """
    position = np.asarray(position_gcrs_m, dtype=np.float64)
    boresight = np.asarray(target_gcrs_m, dtype=np.float64) - position
    distance = float(np.linalg.norm(boresight))
    if not 0 < distance < math.inf:
        raise ValueError(f"camera at {position} cannot look at a target {distance:g} m away")
    z = boresight / distance
    up = np.asarray(up_hint, dtype=np.float64)
    across = up - (up @ z) * z
    if not np.linalg.norm(across) > PARALLEL * np.linalg.norm(up):
        # The axis least along the boresight.
        up = np.eye(3)[int(np.argmin(np.abs(z)))]
        across = up - (up @ z) * z
    y = -across / np.linalg.norm(across)
    return np.column_stack([np.cross(y, z), y, z])


def matrix_from_quaternion(quaternion: ArrayLike) -> Float64:
    """Return the (3, 3) rotation of a quaternion (w, x, y, z), Hamilton's convention, of any length but zero."""
    w, x, y, z = _unit(quaternion).tolist()
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_from_matrix(rotation: ArrayLike) -> Float64:
    """Return the unit quaternion (w, x, y, z), w >= 0, of a (3, 3) rotation.

    S. W. Shepperd, "Quaternion from rotation matrix", Journal of Guidance and Control 1 (1978) 223: the largest of
    the four is computed first, so that no digit is lost for any rotation.
    """
    r = np.asarray(rotation, dtype=np.float64)
    if r.shape != (3, 3) or not np.allclose(r @ r.T, np.eye(3), atol=1e-6) or np.linalg.det(r) < 0:
        raise ValueError(f"not a rotation: {r.tolist()}")
    trace = float(np.trace(r))
    squares = [trace, *np.diag(r).tolist()]
    largest = int(np.argmax(squares))
    if largest == 0:
        q = np.array([1 + trace, r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    else:
        i = largest - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        q = np.empty(4)
        q[0] = r[k, j] - r[j, k]
        q[1 + i] = 1 + 2 * r[i, i] - trace
        q[1 + j] = r[j, i] + r[i, j]
        q[1 + k] = r[k, i] + r[i, k]
    q /= np.linalg.norm(q)
    unit: Float64 = -q if q[0] < 0 else q
    return unit


def slerp(before: ArrayLike, after: ArrayLike, along: float) -> Float64:
    """Return the unit quaternion (w, x, y, z) that has turned evenly from one to the other by the part `along`, 0 to 1.

    The shorter way round: q and -q are one rotation. K. Shoemake, "Animating rotation with quaternion curves", SIGGRAPH
    1985, 245. ValueError for a quaternion of length zero.
    """
    first, last = _unit(before), _unit(after)
    if first @ last < 0:
        last = -last
    # From the chord: the cosine alone loses half the digits of a small angle.
    angle = 2 * math.asin(min(1.0, float(np.linalg.norm(last - first)) / 2))
    if angle < STRAIGHT_RAD:
        return _unit(first + along * (last - first))
    return _unit((math.sin((1 - along) * angle) * first + math.sin(along * angle) * last) / math.sin(angle))


def _unit(quaternion: ArrayLike) -> Float64:
    q = np.asarray(quaternion, dtype=np.float64)
    length = float(np.linalg.norm(q))
    if q.shape != (4,) or not 0 < length < math.inf:
        raise ValueError(f"quaternion {q.tolist()} is no rotation; it needs four finite numbers, not all zero")
    unit: Float64 = q / length
    return unit
