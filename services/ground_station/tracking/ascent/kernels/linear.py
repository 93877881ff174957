"""Small symmetric systems by Cholesky's factor, scaled to ones on the diagonal: metres and radians meet in them."""

import math

from numba import njit

# A pivot below this part of its diagonal is rounding: what stands there is undetermined, and comes out as large.
LEAST_PIVOT = 1e-13


@njit(cache=True, error_model="numpy")
def factorise(matrix, scale, factor):
    """Fill scale (M,) and the lower factor (M, M) of the scaled matrix, of which the lower triangle is read."""
    size = len(scale)
    for i in range(size):
        scale[i] = 1.0 / math.sqrt(max(matrix[i, i], 1e-300))
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j] * scale[i] * scale[j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i == j:
                factor[i, i] = math.sqrt(max(total, LEAST_PIVOT))
            else:
                factor[i, j] = total / factor[j, j]


@njit(cache=True, error_model="numpy")
def solve(factor, scale, right, solution):
    """Fill the solution (M,) of the factorised system; `right` and `solution` may be one array."""
    size = len(scale)
    for i in range(size):
        total = right[i] * scale[i]
        for k in range(i):
            total -= factor[i, k] * solution[k]
        solution[i] = total / factor[i, i]
    for i in range(size - 1, -1, -1):
        total = solution[i]
        for k in range(i + 1, size):
            total -= factor[k, i] * solution[k]
        solution[i] = total / factor[i, i]
    for i in range(size):
        solution[i] *= scale[i]


@njit(cache=True, error_model="numpy")
def invert(factor, scale, column, inverse):
    """Fill the inverse (M, M) of the factorised matrix; return the log of that matrix's determinant."""
    size = len(scale)
    log_determinant = 0.0
    for j in range(size):
        column[:] = 0.0
        column[j] = 1.0
        solve(factor, scale, column, column)
        inverse[:, j] = column
        log_determinant += 2.0 * (math.log(factor[j, j]) - math.log(scale[j]))
    return log_determinant
