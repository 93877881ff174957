"""The compiled judgement against its slow twin, and what it says of windows with a known cause."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.judgement.judge import CONSISTENT, INCONSISTENT, MOVING, STATIC, UNDECIDED, judge
from services.ground_station.tracking.judgement.limits import limits_from
from tests.ground_station.tracking.judgement import naive, naive_judge
from tests.ground_station.tracking.judgement.windows import (
    CAUSES,
    PIXEL_RAD,
    Sky,
    crossing,
    first_of,
    one_place,
    window,
)

Float64 = NDArray[np.float64]

CONFIG = TrackingConfig()
SEEDS = 25
# Fields that the judgement reads, each of which changes some verdicts of the windows when it is varied.
LIMITS = (
    "decide_s",
    "decide_two_satellites_s",
    "hit_ratio",
    "acceleration_sigma_m_per_s2",
    "consistent_chi2",
    "moving_chi2",
    "moving_px",
    "travelling_px",
    "rising_m_per_s",
    "travelling_m_per_s",
    "static_m_per_s",
    "static_s",
)


def judged(
    lines: naive.Rays,
    near: Float64,
    hit_ratio: float = 1.0,
    config: TrackingConfig = CONFIG,
    moves: bool = False,
    company: bool = False,
) -> tuple[int, float, Float64]:
    motion = np.zeros((3, 3))
    verdict, way_px = judge(
        lines.time_s,
        lines.origin_itrs_m,
        lines.los_itrs,
        lines.sigma_rad,
        lines.pixel_rad,
        lines.sensor,
        len(lines),
        near,
        hit_ratio,
        limits_from(config),
        motion,
        moves,
        company,
    )
    return verdict, way_px, motion


def judged_slowly(
    lines: naive.Rays,
    near: Float64,
    hit_ratio: float = 1.0,
    config: TrackingConfig = CONFIG,
    company: bool = False,
) -> tuple[int, float, Float64]:
    found = naive_judge.judge(lines, near, hit_ratio, config, company)
    motion = np.full((3, 3), np.nan) if found.motion is None else found.motion.coefficients
    if found.moving or found.static:
        verdict = MOVING if found.moving else STATIC
    elif found.consistent:
        verdict = CONSISTENT
    else:
        verdict = UNDECIDED if found.motion is None else INCONSISTENT
    return verdict, found.way_px, motion


def agree(one: tuple[int, float, Float64], other: tuple[int, float, Float64]) -> bool:
    a_millimetre = 1e-3
    return (
        one[0] == other[0]
        and one[1] == pytest.approx(other[1], rel=1e-6)
        and np.allclose(one[2], other[2], rtol=0, atol=a_millimetre, equal_nan=True)
    )


def varied(rng: np.random.Generator) -> TrackingConfig:
    factors = {name: float(getattr(CONFIG, name) * np.exp(rng.normal(0, 0.7))) for name in LIMITS}
    return replace(CONFIG, decide_hits=int(rng.integers(5, 40)), **factors)  # type: ignore[arg-type]


@pytest.mark.parametrize("cause", CAUSES)
def test_judgement_is_its_slow_twins(cause: str) -> None:
    for seed in range(SEEDS):
        lines, near = window(cause, seed)
        assert agree(judged(lines, near), judged_slowly(lines, near)), seed


@pytest.mark.parametrize("cause", CAUSES)
def test_judgement_is_its_slow_twins_whatever_is_asked_for(cause: str) -> None:
    for seed in range(SEEDS):
        lines, near = window(cause, seed)
        rng = np.random.default_rng(seed)
        config, hit_ratio, company = varied(rng), rng.uniform(0.4, 1.0), bool(rng.random() < 0.5)
        fast = judged(lines, near, hit_ratio, config, company=company)
        slow = judged_slowly(lines, near, hit_ratio, config, company)
        assert agree(fast, slow), seed


@pytest.mark.parametrize("name", [*LIMITS, "decide_hits"])
def test_every_limit_changes_a_verdict(name: str) -> None:
    changed = 0
    for factor in (0.02, 50.0):
        value = getattr(CONFIG, name) * factor
        config = replace(CONFIG, **{name: max(1, round(value)) if name == "decide_hits" else value})
        for cause, seed in ((cause, seed) for cause in CAUSES for seed in range(SEEDS)):
            lines, near = window(cause, seed)
            changed += judged(lines, near, 0.8)[0] != judged(lines, near, 0.8, config)[0]
    assert changed > 0


def test_of_what_is_known_to_move_it_is_found_whether_it_stays() -> None:
    spared = 0
    for cause, seed in ((cause, seed) for cause in CAUSES for seed in range(SEEDS)):
        lines, near = window(cause, seed)
        whole, known = judged(lines, near)[0], judged(lines, near, moves=True)[0]
        assert (known == STATIC) == (whole == STATIC)
        spared += whole == MOVING and known == CONSISTENT
    assert spared > 0


def test_two_airliners_look_like_one_thing_that_flies_low_unless_there_is_company() -> None:
    verdicts = {
        (company, cause): [judged(*window(cause, seed), company=company)[0] for seed in range(SEEDS)]
        for company in (False, True)
        for cause in ("low_crossing", "airliners", "rocket")
    }
    assert MOVING in verdicts[False, "low_crossing"]
    assert MOVING not in verdicts[True, "low_crossing"]
    assert MOVING not in verdicts[False, "airliners"]
    assert verdicts[True, "rocket"] == verdicts[False, "rocket"]


def test_an_airliner_that_gives_way_to_another_does_not_move_in_company() -> None:
    verdicts = {
        company: [judged(*window("changed_airliner", seed), company=company)[0] for seed in range(4 * SEEDS)]
        for company in (False, True)
    }
    assert MOVING in verdicts[False]
    assert MOVING not in verdicts[True]
    # Most fit one object: no contradiction gives them away.
    assert verdicts[True].count(CONSISTENT) > 3 * SEEDS


def test_rockets_that_two_see_move_in_company_as_well() -> None:
    moving = {False: 0, True: 0}
    for seed, company in ((seed, company) for seed in range(4 * SEEDS) for company in (False, True)):
        rng = np.random.default_rng([seed, 9])
        sky = Sky(rng, 2)
        motion = sky.moving(rng, 1e4, (100.0, 50.0, 300.0), 20.0)
        lines = sky.looks(rng, [motion] * 2, 16.0)
        moving[company] += judged(lines, motion(8.0), company=company)[0] == MOVING
    assert moving[False] > SEEDS
    assert moving[True] >= 0.95 * moving[False]


def test_windows_show_every_verdict() -> None:
    seen = Counter(judged(*window(cause, seed))[0] for cause in CAUSES for seed in range(SEEDS))
    assert set(seen) == {UNDECIDED, INCONSISTENT, CONSISTENT, MOVING, STATIC}
    assert min(seen.values()) >= 5


def test_rockets_that_three_see_for_ten_seconds_move() -> None:
    moving = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng([seed, 4])
        sky = Sky(rng, 3)
        motion = sky.moving(rng, 1.5e4, (50.0, 100.0, 300.0), 20.0)
        lines = sky.looks(rng, [motion] * 3, 10.0)
        verdict, way_px, found = judged(lines, motion(5.0))
        if verdict == MOVING:
            moving += 1
            assert way_px > 1.0
            a_pixel = PIXEL_RAD * 1.5e6
            assert np.linalg.norm(found[0] - motion(float(lines.time_s.max()))) < a_pixel
    # Where two of three satellites happen to stand close together, some are not believed yet.
    assert moving >= 0.8 * SEEDS


@pytest.mark.parametrize("cause", ["fire", "cloud"])
def test_fires_and_clouds_never_move(cause: str) -> None:
    assert all(judged(*window(cause, seed))[0] != MOVING for seed in range(SEEDS))


@pytest.mark.parametrize("cause", ["ghost", "closing_ghost"])
def test_crossings_of_unrelated_lines_of_sight_never_move(cause: str) -> None:
    assert all(judged(*window(cause, seed))[0] != MOVING for seed in range(4 * SEEDS))


def test_crossings_over_two_airliners_do_not_move() -> None:
    # Points at rest alone would not rule out all of these.
    assert all(judged(*window("airliners", seed))[0] != MOVING for seed in range(4 * SEEDS))


def test_errors_as_stated_leave_fires_consistent() -> None:
    # Chi-square per degree of freedom is 1, and the limit of 3 is far away.
    assert all(judged(*window("fire", seed))[0] in {CONSISTENT, STATIC} for seed in range(SEEDS))


def test_looks_at_several_fires_contradict_one_another() -> None:
    assert all(judged(*window("two_objects", seed))[0] == INCONSISTENT for seed in range(SEEDS))


def test_satellites_in_one_place_decide_nothing() -> None:
    # Here rounding errors alone decide what the slow twin says.
    for seed in range(SEEDS):
        lines = one_place(np.random.default_rng([seed, 7]))
        verdict, way_px, motion = judged(lines, crossing(lines))
        assert (verdict, way_px) == (UNDECIDED, 0.0)
        assert np.isnan(motion).all()


def test_one_satellite_decides_nothing() -> None:
    lines, near = window("fire", 8)
    alone = first_of(lines, np.flatnonzero(lines.sensor == 0))
    assert judged(alone, near)[0] == UNDECIDED


@pytest.mark.parametrize("field", ["time_s", "origin_itrs_m", "los_itrs", "sigma_rad"])
def test_what_is_not_finite_decides_nothing(field: str) -> None:
    lines, near = window("rocket", 9)
    spoilt = getattr(lines, field).copy()
    spoilt.reshape(-1)[7] = np.nan
    assert judged(replace(lines, **{field: spoilt}), near)[0] == UNDECIDED


def test_order_of_looks_does_not_change_the_judgement() -> None:
    for cause in CAUSES:
        lines, near = window(cause, 1)
        mixed = first_of(lines, np.random.default_rng(10).permutation(len(lines)))
        before, after = judged(lines, near), judged(mixed, near)
        assert before[0] == after[0]
        assert np.allclose(before[2], after[2], rtol=0, atol=1e-3, equal_nan=True)


def test_satellites_numbers_mean_nothing() -> None:
    lines, near = window("rocket", 3)
    renamed = np.array([63, 0, 17, 5])[lines.sensor]
    assert agree(judged(replace(lines, sensor=renamed), near), judged(lines, near))


def test_rows_beyond_the_count_are_not_looked_at() -> None:
    lines, near = window("rocket", 12)
    spare = np.full(30, np.nan)
    longer = naive.Rays(
        np.concatenate([lines.time_s, spare]),
        np.concatenate([lines.origin_itrs_m, np.full((30, 3), np.nan)]),
        np.concatenate([lines.los_itrs, np.full((30, 3), np.nan)]),
        np.concatenate([lines.sigma_rad, spare]),
        np.concatenate([lines.pixel_rad, spare]),
        np.concatenate([lines.sensor, np.full(30, -1)]),
        lines.sensor_ids,
    )
    motion = np.empty((3, 3))
    verdict, way_px = judge(
        longer.time_s,
        longer.origin_itrs_m,
        longer.los_itrs,
        longer.sigma_rad,
        longer.pixel_rad,
        longer.sensor,
        len(lines),
        near,
        1.0,
        limits_from(CONFIG),
        motion,
    )
    assert agree((verdict, way_px, motion), judged(lines, near))


def test_more_looks_than_rows_are_refused() -> None:
    lines, near = window("rocket", 13)
    with pytest.raises(ValueError, match="n rows or more"):
        judge(
            lines.time_s,
            lines.origin_itrs_m,
            lines.los_itrs,
            lines.sigma_rad,
            lines.pixel_rad[:-1],
            lines.sensor,
            len(lines),
            near,
            1.0,
            limits_from(CONFIG),
            np.empty((3, 3)),
        )


@njit
def _judged_twice(time_s, origin, los, sigma, pixel, sensor, near, limits):  # type: ignore[no-untyped-def]
    motion = np.empty((3, 3))
    first = judge(time_s, origin, los, sigma, pixel, sensor, len(time_s), near, 1.0, limits, motion)
    half = judge(time_s, origin, los, sigma, pixel, sensor, len(time_s) // 2, near, 1.0, limits, motion)
    return first[0], half[0]


def test_compiled_code_can_ask_for_a_judgement() -> None:
    lines, near = window("rocket", 5)
    arrays = (lines.time_s, lines.origin_itrs_m, lines.los_itrs, lines.sigma_rad, lines.pixel_rad, lines.sensor)
    half = first_of(lines, np.arange(len(lines) // 2))
    assert _judged_twice(*arrays, near, limits_from(CONFIG)) == (judged(lines, near)[0], judged(half, near)[0])
