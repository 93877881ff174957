"""Crowds in the tracker: where untangling fails, tracks stay as they are."""

import numpy as np
import pytest

from services.ground_station.tracking.bank.models import BOOST, CRUISE
from services.ground_station.tracking.crowd import crowds
from services.ground_station.tracking.histories import TRACK_LOOKS
from services.ground_station.tracking.records import CONFIRMED, MOVES, RAY, TRACK
from services.ground_station.tracking.rehearsal import rehearse


def test_crowd_that_cannot_be_untangled_is_followed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def singular(*_: object) -> float:
        tried.append(1)
        raise np.linalg.LinAlgError("Matrix is singular to machine precision.")

    monkeypatch.setattr(crowds, "untangle", singular)
    # Two rockets beside each other, taken for one or for two, and for no fire.
    assert rehearse() >= 1
    assert tried


@pytest.mark.parametrize(("model", "found"), [(BOOST, 1), (CRUISE, 0)])
def test_airliners_beside_each_other_are_no_crowd(model: int, found: int) -> None:
    tracks, pool = np.zeros(2, dtype=TRACK), np.zeros((2, TRACK_LOOKS), dtype=RAY)
    tracks["mean"][:, :3] = [[6.4e6, 0.0, 0.0], [6.4e6, 200.0, 0.0]]
    tracks["covariance"][:, range(9), range(9)] = 100.0**2
    tracks["state"], tracks["motion"], tracks["count"] = CONFIRMED, MOVES, 20
    tracks["crowded_s"], tracks["history"] = np.nan, [0, 1]
    tracks["probability"][:, model] = 1.0
    pool["origin"], pool["sigma_rad"] = [7.5e6, 0.0, 0.0], 1e-4
    of = np.empty(2, dtype=np.int64)
    assert crowds.crowds(tracks, pool, of) == found
    assert (of >= 0).all() == bool(found)
