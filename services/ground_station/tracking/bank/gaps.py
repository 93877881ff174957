"""What becomes of a track's models through a long gap in which nobody looks."""

from numba import njit

from services.ground_station.tracking.bank.models import BALLISTIC, BOOST, MODELS

# After a longer gap, s, what boosted may have stopped as well as not, within so long after the gap began.
LONGEST_UNSEEN_S = 15.0
LONGEST_BURN_S = 40.0
# A model less likely than this part of the likeliest is not followed through a long gap.
UNLIKELY = 0.1


@njit(cache=True, error_model="numpy")
def keep_likely(track):
    """Leave out models that a long gap would let stray far, for all that they are unlikely."""
    least = UNLIKELY * track.probability.max()
    total = 0.0
    for model in range(MODELS):
        if track.probability[model] < least:
            track.probability[model] = 0.0
        total += track.probability[model]
    for model in range(MODELS):
        track.probability[model] /= total


@njit(cache=True, error_model="numpy")
def stop_boosting(track, step):
    """Let half of what boosted fly on without an engine through a long gap, as unsure as not knowing since when."""
    x, p = track.x[BOOST], track.p[BOOST]
    if track.probability[BALLISTIC] < track.probability[BOOST]:
        burns_s = min(step, LONGEST_BURN_S)
        track.x[BALLISTIC] = 0.0
        track.p[BALLISTIC] = 0.0
        for i in range(6):
            track.x[BALLISTIC, i] = x[i]
            for j in range(6):
                track.p[BALLISTIC, i, j] = p[i, j]
        for i in range(3):
            # Evenly spread from no burn to the longest: half of it, give or take.
            track.x[BALLISTIC, 3 + i] += x[6 + i] * burns_s / 2.0
            for j in range(3):
                track.p[BALLISTIC, 3 + i, 3 + j] += x[6 + i] * x[6 + j] * burns_s * burns_s / 12.0
    track.probability[BALLISTIC] += track.probability[BOOST] / 2.0
    track.probability[BOOST] /= 2.0
