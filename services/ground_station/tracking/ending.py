"""When a track in space is over, and why."""

import math

from numba import njit

from services.ground_station.tracking.records import CONFIRMED, MOVES, STAYS

NO_LOSS = "another track explains what it saw"
# Why a track is over.
GOES_ON, UNSEEN, OUT_OF_VIEW, CONTRADICTS, MOSTLY_UNSEEN, IS_DOUBLE, UNLIKELY = range(7)
# Then there was no object at all.
NO_OBJECT = (CONTRADICTS, MOSTLY_UNSEEN, UNLIKELY)
# Looks that contradict one another for this long do not come from one object.
INCONSISTENT_S = 4.0
# Looks in a row in which another track took its detection, after which a track is that other's double.
DOUBLE_LOOKS = 4
# Looks after which a track that is tentative, or was in a crowd, must have been seen in some part of them.
TRIED_LOOKS, TRIED_SHARE = 12.0, 0.35


@njit(cache=True, error_model="numpy")
def ends(tracks, now_s, rules, codes):
    """Fill why each track is over, (n,), or GOES_ON."""
    for row in range(len(tracks)):
        codes[row] = _end(tracks[row], now_s, rules)
    for row in range(len(tracks)):
        if codes[row] == GOES_ON and tracks[row].rival_looks >= DOUBLE_LOOKS:
            for other in range(len(tracks)):
                if tracks[other].serial == tracks[row].rival and codes[other] == GOES_ON and other != row:
                    codes[row] = IS_DOUBLE


@njit(cache=True, error_model="numpy")
def _end(track, now_s, rules):  # one reason a return
    finite = math.isfinite(track.mean[0] + track.covariance[0, 0])
    if not finite or now_s - track.inconsistent_s > INCONSISTENT_S:
        return CONTRADICTS
    if track.state != CONFIRMED and track.score < rules.drop_score:
        return UNLIKELY
    doubtful = track.state != CONFIRMED or not math.isnan(track.crowded_s)
    if doubtful and track.looked >= TRIED_LOOKS and track.seen / track.looked < TRIED_SHARE and track.misses > 0:
        return MOSTLY_UNSEEN
    unseen = now_s - track.last_hit_s
    coast = rules.coast_tentative_s
    if track.motion == MOVES:
        coast = rules.coast_moving_s if math.isnan(track.burnt_s) else rules.coast_burnt_s
    elif track.motion == STAYS:
        coast = rules.coast_static_s
    if unseen <= coast:
        return GOES_ON
    if track.misses >= 3:
        return UNSEEN
    return OUT_OF_VIEW if unseen > max(2.0 * coast, rules.coast_burnt_s) or track.state != CONFIRMED else GOES_ON


def why(code: int, unseen_s: float) -> str:
    """Return a code's reason as one sentence's part; unseen_s: since its newest look."""
    return {
        UNSEEN: f"not seen for {unseen_s:.1f} s by cameras that had it in view",
        OUT_OF_VIEW: "out of every camera's view",
        CONTRADICTS: "its looks do not belong to one object",
        MOSTLY_UNSEEN: "most looks did not see it",
        IS_DOUBLE: NO_LOSS,
        UNLIKELY: "clutter explains its looks better than an object does",
    }[code]
