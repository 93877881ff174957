"""The bank of a track's models: interacting multiple models, of which only those that may hold are kept running.

H. A. P. Blom and Y. Bar-Shalom, "The interacting multiple model algorithm for systems with Markovian switching
coefficients", IEEE Trans. Automatic Control 33 (1988) 780; models of unlike size as T. Yuan, Y. Bar-Shalom et al., "A
multiple IMM estimation approach with unbiased mixing for thrusting projectiles", IEEE Trans. Aerospace and Electronic
Systems 48 (2012) 3250: what a model does not know is taken from the one that is mixed into.
"""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.bank.filters import CORRECTION_ROWS, WORK, correct_in, predict_in
from services.ground_station.tracking.bank.gaps import LONGEST_UNSEEN_S, keep_likely, stop_boosting
from services.ground_station.tracking.bank.models import (
    BALLISTIC,
    BOOST,
    CRUISE,
    DIMENSIONS,
    GLIDE,
    MODELS,
    SIZE,
    STATIC,
)
from services.ground_station.tracking.bank.switching import flows

# A model less likely than this is left out until another turns into it.
LEAST_PROBABILITY = 1e-5
# Of what seems to rest, that it boosts or cruises stays at least so likely: it is followed so, too, until its looks
# say otherwise.
LEAST_MOVING = 1e-3
# Shares below this are not mixed in.
LEAST_SHARE = 0.01
# A model that is likelier than this counts alone.
ALL_BUT_SURE = 0.9999
# A plume that nobody sees any more may burn yet, behind cloud for instance.
STILL_BURNS = 0.1
# What has burnt out is seen in at most this part of the looks that would see its plume: to be seen speaks for a plume.
WITHOUT_PLUME = 0.7
# What boosts more likely than this is held for burning.
BURNS = 0.5

# What an engine that has just lit gives, m/s^2, along the way; and its growth, over the exhaust's speed: liquids and
# solids reach 2,200 to 3,400 m/s (G. P. Sutton and O. Biblarz, "Rocket Propulsion Elements"), hydrogen 4,500.
THRUST_M_PER_S2 = 20.0
THRUST_SIGMA_M_PER_S2 = 15.0
GROWTH_S_PER_M = 1.0 / 2800.0
GROWTH_SIGMA_S_PER_M = 0.3 / 2800.0
# Force on a glider, about which nothing is known at first.
LIFT_SIGMA_M_PER_S2 = 10.0
# Speed of what has stayed, once it sets out.
SETTING_OUT_SIGMA_M_PER_S = 60.0
# An engine pushes, and a glider's drag brakes, by more than this.
LEAST_THRUST_M_PER_S2 = 1.0
# Evidence against a model counts by no less than this factor a look. A glider's lift carries at least so much.
LEAST_FACTOR = 1e-3
LEAST_LIFT_M_PER_S2 = 4.0
ORBITAL_M_PER_S = 7900.0
# Of a track's motion, as records.py has it.
UNDECIDED = 0


@njit(cache=True, error_model="numpy")
def working_room():
    """Return arrays for `advance`: of the filters, states and covariances before and after mixing, probabilities."""
    return (
        np.empty((WORK, SIZE, SIZE)),
        np.empty((2, MODELS, SIZE)),
        np.empty((2, MODELS, SIZE, SIZE)),
        np.empty((MODELS + 2, MODELS)),
    )


@njit(cache=True, error_model="numpy")
def advance(track, time_s, room):
    """Move a track's models on to a time that is not earlier than its own, and what it says of itself.

    room: `working_room`, once for many.
    """
    step = time_s - track.time_s
    if step <= 0.0:
        return
    if step > LONGEST_UNSEEN_S:
        keep_likely(track)
        if track.probability[BOOST] > 0.0:
            stop_boosting(track, step)
    else:
        _mix(track, step, room)
    for model in range(MODELS):
        if track.probability[model] > 0.0:
            predict_in(model, track.x[model], track.p[model], step, room[0])
    track.time_s = time_s
    combine(track)


@njit(cache=True, error_model="numpy")
def see(track, origin, los, sigma_rad):
    """Correct all models by a line of sight; return the squared normalised distance of the likeliest model."""
    work, evidence = np.empty((CORRECTION_ROWS, SIZE)), np.full(MODELS, -np.inf)
    best, nearest = -np.inf, 0.0
    # What has burnt out and is seen on is seen without a plume: then to be seen tells nothing any more.
    burns = track.probability[BOOST] > BURNS
    for model in range(MODELS):
        weight = track.probability[model]
        if weight <= 0.0:
            continue
        likelihood, squared = correct_in(
            track.x[model], track.p[model], DIMENSIONS[model], origin, los, sigma_rad, work
        )
        evidence[model] = likelihood + math.log(weight)
        if burns and model in (BALLISTIC, GLIDE):
            evidence[model] += math.log(WITHOUT_PLUME)
        if model in (BOOST, GLIDE):
            evidence[model] += math.log(_drives(track.x[model], track.p[model], 1.0 if model == BOOST else -1.0))
        if evidence[model] > best:
            best, nearest = evidence[model], squared
    _reweigh(track.probability, evidence)
    combine(track)
    return nearest


@njit(cache=True, error_model="numpy")
def see_nothing(track, chance):
    """Weigh that a look which sees plumes with a chance did not see it: what has burnt out is missed more often."""
    probability = track.probability
    out = probability[BALLISTIC] + probability[GLIDE]
    if probability[BOOST] <= BURNS or out == 0.0:
        return
    factor = (1.0 - WITHOUT_PLUME * chance) / (1.0 - chance)
    total = 1.0 + out * (factor - 1.0)
    for model in range(MODELS):
        probability[model] *= (factor if model in (BALLISTIC, GLIDE) else 1.0) / total
    combine(track)


@njit(cache=True, error_model="numpy")
def burn_out(track):
    """Let a track whose plume has gone out fall freely from now on, unless its looks say otherwise."""
    if track.probability[BALLISTIC] == 0.0:
        track.x[BALLISTIC] = 0.0
        track.p[BALLISTIC] = 0.0
        for i in range(6):
            track.x[BALLISTIC, i] = track.x[BOOST, i]
            for j in range(6):
                track.p[BALLISTIC, i, j] = track.p[BOOST, i, j]
    for model in range(MODELS):
        track.probability[model] *= STILL_BURNS
    track.probability[BALLISTIC] += 1.0 - STILL_BURNS
    combine(track)


@njit(cache=True, error_model="numpy")
def _reweigh(probability, evidence):
    best = evidence.max()
    total = 0.0
    for model in range(MODELS):
        probability[model] = math.exp(evidence[model] - best) if evidence[model] > -np.inf else 0.0
        total += probability[model]
    kept = 0.0
    rests = probability[STATIC] > 0.0
    for model in range(MODELS):
        probability[model] /= total
        if model in (BOOST, CRUISE) and rests and evidence[model] > -np.inf:
            probability[model] = max(probability[model], LEAST_MOVING)
        elif probability[model] < LEAST_PROBABILITY:
            probability[model] = 0.0
        kept += probability[model]
    for model in range(MODELS):
        probability[model] /= kept


@njit(cache=True, error_model="numpy")
def _drives(x, p, sign):
    """Return how likely the force drives (sign 1) or brakes (-1): 1 where it does, little where it surely does not."""
    speed = math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    if speed < 1.0:
        return 1.0
    along, variance = 0.0, 0.0
    for i in range(3):
        along += x[6 + i] * x[3 + i] / speed
        for j in range(3):
            variance += p[6 + i, 6 + j] * x[3 + i] * x[3 + j] / (speed * speed)
    sigma = math.sqrt(max(variance, 1e-12))
    if sign < 0.0 and not _lifts(x, p, along, speed):
        return LEAST_FACTOR
    # Twice the normal distribution, and no more than 1.
    return min(1.0, max(LEAST_FACTOR, math.erfc((LEAST_THRUST_M_PER_S2 - sign * along) / sigma / math.sqrt(2.0))))


@njit(cache=True, error_model="numpy")
def _lifts(x, p, along, speed):
    """Return whether the force may have a part across the way that carries a glider."""
    across2 = x[6] * x[6] + x[7] * x[7] + x[8] * x[8] - along * along
    sigma = math.sqrt(max((p[6, 6] + p[7, 7] + p[8, 8]) / 3.0, 0.0))
    # Near the speed of an orbit nothing need be carried.
    needed = LEAST_LIFT_M_PER_S2 * max(0.0, 1.0 - (speed / ORBITAL_M_PER_S) ** 2)
    return math.sqrt(max(across2, 0.0)) + 2.0 * sigma > needed


@njit(cache=True, error_model="numpy")
def _mix(track, step, room):
    """Let the models turn into one another: probabilities and states at the beginning of a step."""
    _, x, p, odds = room
    flow, before, shares = odds[:MODELS], odds[MODELS], odds[MODELS + 1]
    for i in range(MODELS):
        before[i] = track.probability[i]
    flows(before, track.x, step, flow)
    total, mixed = 0.0, 0
    for j in range(MODELS):
        share = 0.0
        for i in range(MODELS):
            share += flow[i, j]
        track.probability[j] = share if share > LEAST_PROBABILITY else 0.0
        total += track.probability[j]
        if track.probability[j] > 0.0 and flow[j, j] < (1.0 - LEAST_SHARE) * share:
            mixed |= 1 << j
    if mixed:
        _keep_states(track, before, x, p)
    for j in range(MODELS):
        if mixed >> j & 1:
            for i in range(MODELS):
                shares[i] = flow[i, j] / track.probability[j]
            _blend(j, shares, before[j] > 0.0, x, p, track)
    for j in range(MODELS):
        track.probability[j] /= total


@njit(cache=True, error_model="numpy")
def _keep_states(track, before, x, p):
    """Copy the states and covariances of the models that hold: mixing writes over them."""
    for i in range(MODELS):
        if before[i] > 0.0:
            for a in range(DIMENSIONS[i]):
                x[0, i, a] = track.x[i, a]
                for b in range(DIMENSIONS[i]):
                    p[0, i, a, b] = track.p[i, a, b]


@njit(cache=True, error_model="numpy")
def _blend(j, share, running, x, p, track):
    """Write a model's state as the mixture of what turns into it; running: it has a state of its own.

    x, p: (2, models, 10), (2, models, 10, 10): states and covariances before, and room for them as model j has them.
    """
    size = DIMENSIONS[j]
    mean, mixed = track.x[j], track.p[j]
    mean[:] = 0.0
    kept = 0.0
    for i in range(MODELS):
        if share[i] < LEAST_SHARE:
            continue
        state, covariance = x[0, i], p[0, i]
        if DIMENSIONS[i] < size:
            state, covariance = x[1, i], p[1, i]
            state[:] = 0.0
            covariance[:size, :size] = 0.0
            convert(i, j, x[0, i], p[0, i], running, x[0, j], p[0, j], state, covariance)
        kept += share[i]
        for a in range(size):
            mean[a] += share[i] * state[a]
    for a in range(size):
        mean[a] /= kept
    mixed[:size, :size] = 0.0
    for i in range(MODELS):
        if share[i] < LEAST_SHARE:
            continue
        own = 0 if DIMENSIONS[i] >= size else 1
        state, covariance, weight = x[own, i], p[own, i], share[i] / kept
        for a in range(size):
            apart = state[a] - mean[a]
            for b in range(a + 1):
                mixed[a, b] += weight * (covariance[a, b] + apart * (state[b] - mean[b]))
    for a in range(size):
        for b in range(a):
            mixed[b, a] = mixed[a, b]


@njit(cache=True, error_model="numpy")
def convert(i, j, x, p, running, own_x, own_p, x_out, p_out):
    """Write model i's state as one of model j; what i does not know comes from j's own state, or from what is usual."""
    shared = min(DIMENSIONS[i], DIMENSIONS[j])
    for a in range(shared):
        x_out[a] = x[a]
        for b in range(shared):
            p_out[a, b] = p[a, b]
    if i == STATIC and j != STATIC:
        for k in range(3, 6):
            p_out[k, k] = SETTING_OUT_SIGMA_M_PER_S**2
        shared = 6
    size = DIMENSIONS[j]
    if shared >= size:
        return
    if running:
        for a in range(shared, size):
            x_out[a] = own_x[a]
            for b in range(shared, size):
                p_out[a, b] = own_p[a, b]
        return
    usual_force(j, x_out, p_out)


@njit(cache=True, error_model="numpy")
def usual_force(model, x, p):
    """Write the force, and its growth, that a model begins with; position and velocity are known."""
    speed = math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    doubt = math.sqrt(p[3, 3] + p[4, 4] + p[5, 5])
    distance = math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    boosts = model == BOOST
    sigma = THRUST_SIGMA_M_PER_S2 if boosts else LIFT_SIGMA_M_PER_S2
    for k in range(3):
        # Up, while there is no way yet.
        way = x[3 + k] / speed if speed > doubt else x[k] / distance
        x[6 + k] = THRUST_M_PER_S2 * way if boosts else 0.0
        p[6 + k, 6 + k] = sigma * sigma
    if boosts:
        x[9] = GROWTH_S_PER_M
        p[9, 9] = GROWTH_SIGMA_S_PER_M**2


@njit(cache=True, error_model="numpy")
def _weight(probability, model, moving):
    """Return what a model counts for; moving: the probability of those that move, where they alone count, else 0."""
    if moving == 0.0:
        return probability[model]
    return probability[model] / moving if model != STATIC else 0.0


@njit(cache=True, error_model="numpy")
def combine(track):  # noqa: PLR0912  # one pass over symmetric matrices
    """Write the track's mean and covariance, of position, velocity and force, over its models.

    Until it has been decided whether it moves, they are those of what moves: true of what rests, too, and wide.
    """
    mean, covariance = track.mean, track.covariance
    moving = 1.0 - track.probability[STATIC]
    if track.motion != UNDECIDED or not (moving > 0.0 and track.probability[STATIC] > 0.0):
        moving = 0.0
    for a in range(9):
        mean[a] = 0.0
        for b in range(9):
            covariance[a, b] = 0.0
    for model in range(MODELS):
        weight = _weight(track.probability, model, moving)
        if weight > 0.0:
            for a in range(min(DIMENSIONS[model], 9)):
                mean[a] += weight * track.x[model, a]
    for model in range(MODELS):
        weight = _weight(track.probability, model, moving)
        if weight <= 0.0:
            continue
        x, p = track.x[model], track.p[model]
        size = min(DIMENSIONS[model], 9)
        for a in range(size):
            for b in range(a + 1):
                covariance[a, b] += weight * p[a, b]
        # Where one model is all but sure, the means hardly differ.
        if weight > ALL_BUT_SURE:
            continue
        for a in range(9):
            off_a = (x[a] if a < size else 0.0) - mean[a]
            for b in range(a + 1):
                covariance[a, b] += weight * off_a * ((x[b] if b < size else 0.0) - mean[b])
    for a in range(9):
        for b in range(a):
            covariance[b, a] = covariance[a, b]
