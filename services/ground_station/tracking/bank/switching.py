"""How often one way of moving turns into another, and where it may."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.bank.models import CRUISE, GLIDE, MODELS
from services.ground_station.tracking.forces import height_m

# How often one way of moving turns into another, 1/s; from row to column. Stages burn for a minute or two and are a
# second or two apart. What moves has moved from its first look on or is begun anew: were heat at rest let turn into a
# rocket at any time, the rocket that has flown since the first look would be forgotten for one that just sets out.
SWITCHES_PER_S = np.array(
    [
        # boost, ballistic, glide, cruise, static
        [0.0, 1e-2, 0.0, 1e-3, 0.0],
        [1e-2, 0.0, 3e-3, 1e-3, 0.0],
        [1e-3, 3e-3, 0.0, 0.0, 0.0],
        [1e-3, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
    ]
)
# Where gliders glide and cruisers cruise.
GLIDE_LOWEST_M, GLIDE_HIGHEST_M, GLIDE_SLOWEST_M_PER_S = 15_000.0, 120_000.0, 1000.0
CRUISE_HIGHEST_M, CRUISE_FASTEST_M_PER_S = 30_000.0, 1500.0
# Faster than airliners, what climbs with more than this sine is not about to cruise.
CLIMBING_M_PER_S, CRUISE_STEEPEST = 300.0, 0.5


@njit(cache=True, error_model="numpy")
def flows(before, x, step, flow):
    """Fill (models, models) what of each model's probability (models,) turns into which; x: (models, 10) states."""
    flow[:, :] = 0.0
    for i in range(MODELS):
        if before[i] <= 0.0:
            continue
        stays = before[i]
        for j in range(MODELS):
            if SWITCHES_PER_S[i, j] > 0.0 and _may_hold(j, x[i]):
                flow[i, j] = before[i] * (1.0 - math.exp(-SWITCHES_PER_S[i, j] * step))
                stays -= flow[i, j]
        flow[i, i] = stays


@njit(cache=True, error_model="numpy")
def _may_hold(model, x):
    """Return whether what is at a state may move by a model."""
    if model not in (GLIDE, CRUISE):
        return True
    speed = math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    if model == GLIDE:
        return speed > GLIDE_SLOWEST_M_PER_S and GLIDE_LOWEST_M < height_m(x[0], x[1], x[2]) < GLIDE_HIGHEST_M
    if speed >= CRUISE_FASTEST_M_PER_S:
        return False
    climb = x[0] * x[3] + x[1] * x[4] + x[2] * x[5]
    distance = math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    if speed > CLIMBING_M_PER_S and climb > CRUISE_STEEPEST * speed * distance:
        return False
    return height_m(x[0], x[1], x[2]) < CRUISE_HIGHEST_M
