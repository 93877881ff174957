"""What counts as something else that moves near a track."""

import numpy as np
import pytest

from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.ground_station.tracking.bank.models import STATIC
from services.ground_station.tracking.company import has_company
from services.ground_station.tracking.records import STAYS, TRACK, TRACKLET, UNDECIDED

NOW_S = 100.0
EAST = east_north_up(0.0, 0.0)[0]


def followed(kind: np.dtype[np.void], **changes: float) -> np.ndarray:
    """Return one record of another airliner 30 km away, but for what is changed."""
    its = {"away_m": 30_000.0, "hits": 3, "motion": UNDECIDED, "unseen_s": 1.0}
    its |= {"rests": 0.01, "m_per_s": 240.0, "sigma_m_per_s": 20.0} | changes
    records = np.zeros(1, dtype=kind)
    state = records["mean" if kind == TRACK else "x"][0]
    state[:3], state[3:6] = geodetic_to_itrs(0.0, 0.0, 1e4) + its["away_m"] * EAST, its["m_per_s"] * EAST
    if kind == TRACK:
        records["probability"][0, STATIC] = its["rests"]
    else:
        records["p"][0] = np.diag(np.full(6, its["sigma_m_per_s"] ** 2))
    records["serial"], records["hits"], records["motion"] = 2, its["hits"], its["motion"]
    records["last_hit_s"] = NOW_S - its["unseen_s"]
    return records


def is_met(kind: np.dtype[np.void], **changes: float) -> bool:
    own, others = followed(TRACK, away_m=0.0), {TRACK: np.zeros(0, dtype=TRACK), TRACKLET: np.zeros(0, dtype=TRACKLET)}
    own["serial"] = 1
    others[kind] = followed(kind, **changes)
    return bool(has_company(own[0], np.concatenate([own, others[TRACK]]), others[TRACKLET], NOW_S))


@pytest.mark.parametrize("kind", [TRACK, TRACKLET], ids=["in space", "of one satellite"])
def test_what_moves_near_by_is_company(kind: np.dtype[np.void]) -> None:
    assert is_met(kind)


@pytest.mark.parametrize("kind", [TRACK, TRACKLET], ids=["in space", "of one satellite"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"away_m": 70_000.0}, id="too far away"),
        pytest.param({"motion": STAYS}, id="it stays"),
        pytest.param({"hits": 2}, id="it may be clutter"),
        pytest.param({"unseen_s": 6.0}, id="not seen lately"),
    ],
)
def test_anything_else_is_not(kind: np.dtype[np.void], changes: dict[str, float]) -> None:
    assert not is_met(kind, **changes)


def test_what_may_rest_is_not() -> None:
    assert not is_met(TRACK, rests=0.2)
    assert not is_met(TRACKLET, m_per_s=10.0)
    assert not is_met(TRACKLET, sigma_m_per_s=100.0)


def test_nothing_is_its_own_company() -> None:
    own = followed(TRACK)
    assert not has_company(own[0], own, np.zeros(0, dtype=TRACKLET), NOW_S)
