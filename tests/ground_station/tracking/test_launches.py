"""What is told of a launch: its ellipse, and which ascents are fitted when."""

import numpy as np

from services.ground_station.tracking.bank.models import BOOST
from services.ground_station.tracking.launches import AGAIN_S, FITS, Ascents, LaunchRecord, ellipse_90
from services.ground_station.tracking.records import MOVES, STAYS, TRACK


def test_ninety_percent_ellipse_holds_ninety_percent() -> None:
    covariance = np.array([[4.0e6, 1.5e6], [1.5e6, 1.0e6]])
    ellipse = ellipse_90(covariance)
    points = np.random.default_rng(2).multivariate_normal([0, 0], covariance, 20_000)
    angle = np.radians(ellipse.orientation_deg)
    along = points @ [np.sin(angle), np.cos(angle)]
    across = points @ [np.cos(angle), -np.sin(angle)]
    inside = (along / ellipse.semi_major_m) ** 2 + (across / ellipse.semi_minor_m) ** 2 <= 1
    assert abs(inside.mean() - 0.9) < 0.01


def test_every_moving_track_gets_its_turn() -> None:
    tracks = np.zeros(30, dtype=TRACK)
    tracks["serial"] = np.arange(100, 130)
    tracks["motion"] = MOVES
    tracks["motion"][:5] = STAYS
    tracks["probability"][:, BOOST] = 1.0
    tracks["burnt_s"] = np.nan
    ascents = Ascents(0)
    launches: dict[int, LaunchRecord] = {}
    tried: dict[int, list[float]] = {}
    for now_s in np.arange(1.0, 15.0):
        rows = ascents.due(tracks, launches, float(now_s))
        assert len(rows) <= FITS
        for row in rows:
            serial = int(tracks["serial"][row])
            launches[serial] = LaunchRecord(None, float(now_s))
            tried.setdefault(serial, []).append(float(now_s))
    assert set(tried) == set(range(105, 130))
    # Four an instant, twenty-five of them: each comes again before any has its third turn.
    assert {len(times) for times in tried.values()} <= {2, 3}
    assert min(np.diff(times).min() for times in tried.values()) >= AGAIN_S


def test_ascent_that_has_burnt_out_is_fitted_once_more_and_then_no_longer() -> None:
    tracks = np.zeros(1, dtype=TRACK)
    tracks["motion"], tracks["burnt_s"], tracks["serial"] = MOVES, 50.0, 1
    ascents = Ascents(0)
    assert ascents.due(tracks, {1: LaunchRecord(None, 49.0)}, 52.0) == [0]
    assert ascents.due(tracks, {1: LaunchRecord(None, 52.0)}, 60.0) == []
