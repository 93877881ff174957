"""The bank of models: probabilities, mixing, and whether it knows a burnout when it sees one."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ground_station.tracking.bank.filters import predict
from services.ground_station.tracking.bank.imm import (
    advance,
    burn_out,
    combine,
    convert,
    see,
    see_nothing,
    working_room,
)
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
from services.ground_station.tracking.records import TRACK
from tests.ground_station.tracking.targets import flight, line_of_sight, noisy, random_spd, satellites, true_state

Float64 = NDArray[np.float64]

UNITS = np.array([100.0] * 3 + [10.0] * 3 + [1.0] * 3 + [2e-5])
PERIOD_S, SIGMA_RAD = 1.0, 1e-4
ROOM = working_room()


def bank(x: Float64, probability: list[float], rng: np.random.Generator) -> np.void:
    """Return a track whose models stand round a state (10,), each with a covariance of its own."""
    track: np.void = np.zeros(1, dtype=TRACK)[0]
    track["probability"] = probability
    for model in range(MODELS):
        size = DIMENSIONS[model]
        p = random_spd(size, UNITS[:size], rng)
        track["x"][model, :size] = rng.multivariate_normal(x[:size], p)
        track["p"][model, :size, :size] = p
    combine(track)
    return track


def climbing() -> Float64:
    return np.concatenate([true_state(flight("small_launcher", 120.0), 75.0), [1.0 / 2800.0]])


def gliding() -> Float64:
    """Return a state where anything may be: as high and fast as gliders go."""
    x = climbing()
    x[3:6] *= 2500.0 / np.linalg.norm(x[3:6])
    return x


def test_probabilities_stay_probabilities_whatever_is_seen() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        track = bank(gliding(), rng.dirichlet(np.ones(MODELS)).tolist(), rng)
        origin = satellites(1)[0](0.0)
        for _ in range(60):
            if rng.random() < 0.3:
                advance(track, float(track["time_s"]) + rng.exponential(0.5), ROOM)
            if rng.random() < 0.5:
                burn_out(track)
            else:
                # Anywhere within gates: no other look is given to a track.
                apart = rng.uniform(-2.3, 2.3, 3) @ np.linalg.cholesky(track["covariance"][:3, :3]).T
                towards = noisy(track["mean"][:3] + apart - origin, 2.0 * SIGMA_RAD, rng)
                see(track, origin, towards / np.linalg.norm(towards), SIGMA_RAD)
            probability = track["probability"]
            assert probability.sum() == pytest.approx(1.0, abs=1e-12)
            assert ((probability >= 0.0) & (probability <= 1.0)).all()
            assert np.isfinite(track["mean"]).all()
            deviation = np.sqrt(np.diag(track["covariance"]) + 1e-12)
            assert np.linalg.eigvalsh(track["covariance"] / np.outer(deviation, deviation)).min() > -1e-9


def test_mean_and_covariance_are_the_moments_of_the_mixture() -> None:
    rng = np.random.default_rng(1)
    weights = np.array([0.4, 0.3, 0.2, 0.1, 0.0])
    track = bank(climbing(), weights.tolist(), rng)
    # By samples of the mixture: what a model has no number for is zero and sure.
    samples = []
    for model, count in enumerate((weights * 200_000).astype(int)):
        size = min(DIMENSIONS[model], 9)
        drawn = np.zeros((count, 9))
        drawn[:, :size] = rng.multivariate_normal(track["x"][model, :size], track["p"][model, :size, :size], count)
        samples.append(drawn)
    mixed = np.concatenate(samples)
    deviation = mixed.std(axis=0)
    assert (track["mean"] - mixed.mean(axis=0)) / deviation == pytest.approx(np.zeros(9), abs=0.01)
    scale = np.outer(deviation, deviation)
    assert track["covariance"] / scale == pytest.approx(np.cov(mixed.T) / scale, abs=0.02)


def test_one_sure_model_speaks_for_the_track() -> None:
    track = bank(climbing(), [0.0, 1.0, 0.0, 0.0, 0.0], np.random.default_rng(2))
    assert (track["mean"][:6] == track["x"][BALLISTIC, :6]).all()
    assert (track["mean"][6:] == 0.0).all()
    assert track["covariance"][:6, :6] == pytest.approx(track["p"][BALLISTIC, :6, :6], rel=1e-12)


def test_models_that_agree_stay_in_agreement_when_they_turn_into_one_another() -> None:
    # Boost and glide hold the same state and the same doubt: what is mixed is what was there.
    rng = np.random.default_rng(3)
    track = bank(gliding(), [0.5, 0.0, 0.5, 0.0, 0.0], rng)
    shared = track["p"][GLIDE, :9, :9].copy()
    track["p"][BOOST] = 0.0
    track["p"][BOOST, :9, :9] = shared
    track["p"][BOOST, 9, 9] = 1e-10
    track["x"][GLIDE, :9] = track["x"][BOOST, :9] = gliding()[:9]
    track["x"][BOOST, 9] = 1.0 / 2800.0
    alone = track["x"].copy(), track["p"].copy()
    advance(track, 4.0, ROOM)
    for model in (BOOST, GLIDE):
        size = DIMENSIONS[model]
        predict(model, alone[0][model], alone[1][model], 4.0)
        assert track["x"][model, :size] == pytest.approx(alone[0][model, :size], rel=1e-12)
        assert track["p"][model, :9, :9] == pytest.approx(alone[1][model, :9, :9], rel=1e-9, abs=1e-12)


def test_no_time_changes_nothing() -> None:
    track = bank(gliding(), [0.4, 0.2, 0.2, 0.1, 0.1], np.random.default_rng(4))
    before = track.tobytes()
    advance(track, 0.0, ROOM)
    advance(track, -1.0, ROOM)
    assert track.tobytes() == before


def test_a_model_that_begins_takes_place_and_way_of_the_one_it_follows() -> None:
    track = bank(climbing(), [1.0, 0.0, 0.0, 0.0, 0.0], np.random.default_rng(5))
    expected, doubt = np.zeros(SIZE), np.zeros((SIZE, SIZE))
    expected[:6] = track["x"][BOOST, :6]
    doubt[:6, :6] = track["p"][BOOST, :6, :6]
    advance(track, 1.0, ROOM)
    predict(BALLISTIC, expected, doubt, 1.0)
    assert 0.0 < track["probability"][BALLISTIC] < 0.02
    assert track["x"][BALLISTIC, :6] == pytest.approx(expected[:6], rel=1e-12)
    assert track["p"][BALLISTIC, :6, :6] == pytest.approx(doubt[:6, :6], rel=1e-9)


@pytest.mark.parametrize("source", [BOOST, BALLISTIC, GLIDE, CRUISE, STATIC])
@pytest.mark.parametrize("target", [BOOST, BALLISTIC, GLIDE, CRUISE, STATIC])
@pytest.mark.parametrize("running", [False, True])
def test_conversion_keeps_place_and_way_with_their_covariance(source: int, target: int, running: bool) -> None:
    track = bank(gliding(), [0.2] * MODELS, np.random.default_rng(6))
    x, p = np.zeros(SIZE), np.zeros((SIZE, SIZE))
    convert(
        source, target, track["x"][source], track["p"][source], running, track["x"][target], track["p"][target], x, p
    )
    shared = min(DIMENSIONS[source], DIMENSIONS[target], 6)
    assert (x[:shared] == track["x"][source, :shared]).all()
    assert (p[:shared, :shared] == track["p"][source, :shared, :shared]).all()
    size = DIMENSIONS[target]
    assert (x[size:] == 0.0).all()
    assert np.linalg.eigvalsh(p[:size, :size] / np.outer(UNITS[:size], UNITS[:size])).min() > 0.0


@pytest.mark.parametrize(
    ("sine", "speed_m_per_s", "cruises"), [(0.7, 600.0, False), (0.7, 200.0, True), (0.3, 600.0, True)]
)
def test_only_what_climbs_steeply_and_fast_does_not_begin_to_cruise(
    sine: float, speed_m_per_s: float, cruises: bool
) -> None:
    x = np.zeros(SIZE)
    x[:3] = 6_378_137.0 + 15_000.0, 0.0, 0.0
    x[3:6] = speed_m_per_s * sine, speed_m_per_s * math.sqrt(1.0 - sine**2), 0.0
    x[6:9] = x[3:6] * 20.0 / speed_m_per_s
    x[9] = 1.0 / 2800.0
    track = bank(x, [1.0, 0.0, 0.0, 0.0, 0.0], np.random.default_rng(8))
    track["x"][BOOST] = x
    advance(track, 1.0, ROOM)
    assert (track["probability"][CRUISE] > 0.0) == cruises


def test_an_engine_that_lights_pushes_along_the_way() -> None:
    track = bank(climbing(), [0.0, 1.0, 0.0, 0.0, 0.0], np.random.default_rng(7))
    x, p = np.zeros(SIZE), np.zeros((SIZE, SIZE))
    convert(BALLISTIC, BOOST, track["x"][BALLISTIC], track["p"][BALLISTIC], False, x.copy(), p.copy(), x, p)
    way = x[3:6] / np.linalg.norm(x[3:6])
    assert np.linalg.norm(x[6:9]) > 5.0
    assert x[6:9] @ way == pytest.approx(np.linalg.norm(x[6:9]))


def watched_burnout(seed: int, sigma_rad: float) -> tuple[list[tuple[float, float]], float]:
    """Return how likely flight without an engine is after each second, and the squared normalised error at the end.

    The former as (seconds since burnout, probability).
    """
    rng = np.random.default_rng(seed)
    flown, watching = flight("short_range_liquid", 90.0), satellites(4)
    first_s = 40.0
    x = np.concatenate([true_state(flown, first_s), [1.0 / 2800.0]])
    track = np.zeros(1, dtype=TRACK)[0]
    track["time_s"] = first_s
    track["probability"][BOOST] = 1.0
    sigma = np.array([300.0] * 3 + [50.0] * 3 + [5.0] * 3 + [1e-4])
    track["x"][BOOST] = x + sigma * rng.normal(size=10)
    track["p"][BOOST] = np.diag(sigma**2)
    said = []
    for step in range(1, 32):
        for number, satellite in enumerate(watching):
            # All within a look's period, the last of them at the full second.
            time_s = first_s + step * PERIOD_S - 0.05 * (3 - number)
            origin = satellite(time_s)
            los = line_of_sight(lambda at_s: flown.state_itrs(at_s)[0], origin, time_s)
            advance(track, time_s, ROOM)
            see(track, origin, noisy(los, sigma_rad, rng), sigma_rad)
        said.append((time_s - flown.burnout_s, float(track["probability"][[BALLISTIC, GLIDE]].sum())))
    position, velocity = flown.state_itrs(time_s)
    error = track["mean"][:6] - np.concatenate([position, velocity])
    return said, float(error @ np.linalg.solve(track["covariance"][:6, :6], error))


# Three seconds after 64 m/s^2 have ended, what falls is 290 m from where it would have been. Of 1,400 km that is ten
# standard deviations of a line of sight known to 20 microradians, and two of one known to 100.
@pytest.mark.parametrize(("sigma_rad", "within_s"), [(2e-5, 3.0), (1e-4, 7.0)])
def test_burnout_is_known_within_seconds(sigma_rad: float, within_s: float) -> None:
    for seed in range(5):
        said, _ = watched_burnout(seed, sigma_rad)
        assert max(chance for since_s, chance in said if since_s < -PERIOD_S) < 0.5
        assert min(chance for since_s, chance in said if since_s >= within_s) > 0.5


def test_state_after_a_burnout_is_as_sure_as_is_stated() -> None:
    squares = [watched_burnout(seed, SIGMA_RAD)[1] for seed in range(10)]
    # Six degrees of freedom: within three standard deviations of the mean of ten.
    assert abs(np.mean(squares) - 6.0) < 3.0 * math.sqrt(12.0 / 10.0)


@pytest.mark.parametrize("gap_s", [60.0, 120.0, 180.0])
def test_a_rocket_that_nobody_sees_for_minutes_stays_somewhere(gap_s: float) -> None:
    x = np.concatenate([true_state(flight("short_range_liquid", 90.0), 55.0), [1.0 / 2800.0]])
    track = bank(x, [1.0, 0.0, 0.0, 0.0, 0.0], np.random.default_rng(8))
    advance(track, gap_s, ROOM)
    assert np.isfinite(track["mean"]).all()
    assert np.isfinite(track["covariance"]).all()
    # Nothing that was slower than in orbit is out of sight.
    assert np.linalg.norm(track["mean"][:3] - x[:3]) < 8000.0 * gap_s


@pytest.mark.parametrize(("boosting", "weighs"), [(0.9, True), (0.4, False)])
def test_a_miss_speaks_for_what_has_burnt_out_while_it_is_held_for_burning(boosting: float, weighs: bool) -> None:
    left = 1.0 - boosting
    track = bank(gliding(), [boosting, 0.6 * left, 0.3 * left, 0.1 * left, 0.0], np.random.default_rng(3))
    before = track["probability"].copy()
    see_nothing(track, 0.95)
    after = track["probability"]
    assert after.sum() == pytest.approx(1.0, abs=1e-12)
    assert (after[BALLISTIC] > before[BALLISTIC]) == weighs
    assert (after[GLIDE] > before[GLIDE]) == weighs
    assert after[CRUISE] / after[BOOST] == pytest.approx(before[CRUISE] / before[BOOST])
