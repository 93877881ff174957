"""Points that stay with the scene where no background is known, and the level of what has just come into view."""

import numpy as np

from services.ground_station.detection.staring import SceneMotion, StaringDetector
from services.ground_station.detection.staring.kernels import HALF
from services.ground_station.detection.staring.motion import tile_shape
from services.ground_station.detection.staring.scenery import (
    BRIGHT_SNR,
    BRIGHTER,
    DELAY_FRAMES,
    KEPT_FRAMES,
    NEW_FRAMES,
    Scenery,
)
from tests.ground_station.detection.staring.sky import (
    DRIFT_PX,
    JITTER_PX,
    NOISE_COUNTS,
    SIDE,
    Sky,
    is_near,
)

SHAPE = (SIDE, SIDE)
DRIFT = SceneMotion.translation(SHAPE, *DRIFT_PX)
START_PX = np.array([90.0, 45.0])


def watched(frames: int, speed_px: np.ndarray, snr: list[float], *, young: bool) -> list[bool]:
    """Return for each frame whether a point that moves so against a drifting scene was taken for scenery."""
    scenery, said, rng = Scenery(SHAPE), [], np.random.default_rng(3)
    for k in range(frames):
        if k > 0:
            scenery.follow(DRIFT)
        place = START_PX - k * DRIFT_PX + k * speed_px + rng.normal(0.0, JITTER_PX, 2)
        said.append(bool(scenery.judge(place[None], np.array([snr[k % len(snr)]]), np.array([young]))[0]))
    return said


def test_point_that_was_there_from_the_first_is_scenery_after_the_delay() -> None:
    said = watched(100, np.zeros(2), [8.0, 9.0, 7.0], young=True)
    assert said == [False] * DELAY_FRAMES + [True] * (100 - DELAY_FRAMES)


def test_new_light_is_reported_for_long() -> None:
    said = watched(NEW_FRAMES + DELAY_FRAMES + 10, np.zeros(2), [8.0], young=False)
    assert not any(said[:NEW_FRAMES])
    # Each frame of the delay notes a place of its own, and one of those is found again.
    assert all(said[NEW_FRAMES + DELAY_FRAMES :])


def test_point_that_moves_against_the_scene_is_never_scenery() -> None:
    assert not any(watched(100, np.array([-0.3, 0.3]), [8.0], young=True))


def test_what_is_bright_or_outshines_its_place_is_reported() -> None:
    assert not any(watched(50, np.zeros(2), [BRIGHT_SNR], young=True))
    flash = watched(40, np.zeros(2), [6.0] * 39 + [6.0 * BRIGHTER + 0.1], young=True)
    assert flash[38]
    assert not flash[39]


def test_places_out_of_view_or_long_empty_are_forgotten() -> None:
    scenery = Scenery(SHAPE)
    scenery.judge(np.array([[64.0, 64.0], [2.0, 64.0]]), np.array([9.0, 8.0]), np.ones(2, dtype=bool))
    for _ in range(20):
        scenery.follow(DRIFT)
    assert len(scenery) == 1
    for _ in range(KEPT_FRAMES):
        scenery.follow(SceneMotion.translation(SHAPE, 0.0, 0.0))
    assert len(scenery) == 0
    assert len(scenery.judge(np.empty((0, 2)), np.empty(0), np.empty(0, dtype=bool))) == 0


def test_detector_without_a_background_drops_what_stays_and_keeps_what_moves() -> None:
    detector, sky = StaringDetector(), Sky(contrast=5.0)
    nowhere = SceneMotion(DRIFT.displacement_px, np.zeros(tile_shape(SHAPE), dtype=bool))
    # Sub-pixel phase and clouds leave the spatial detector a third to a half of it.
    counts = 24.0 * NOISE_COUNTS / 0.43
    stays, moves = np.array([90.0, 45.0]), np.array([60.0, 40.0])
    found = []
    for k in range(40):
        frame = detector.step(sky.frame(k, [(*stays, counts), (*moves, counts)]), nowhere if k > 0 else None)
        assert frame.known == 0.0
        assert len(frame.temporal) == len(frame.detections)
        found.append((is_near(frame, stays - sky.place), is_near(frame, moves - sky.place)))
        moves = moves + 0.5
    assert [each[0] for each in found] == [True] * (DELAY_FRAMES + 1) + [False] * (39 - DELAY_FRAMES)
    assert all(each[1] for each in found)


def test_level_that_changes_is_no_light_where_the_scene_comes_into_view() -> None:
    detector, rng = StaringDetector(), np.random.default_rng(5)
    motion = SceneMotion.translation(SHAPE, 0.0, 0.5)
    levels = []
    for k in range(80):
        # Of the filtered frame a tenth of the noise a frame: ten frames back it was a deviation darker.
        image = 500.0 + rng.normal(0.0, NOISE_COUNTS, SHAPE) + 0.03 * NOISE_COUNTS * k
        frame = detector.step(image.astype(np.float32), motion if k > 0 else None)
        young = frame.z[HALF:-HALF, SIDE - 32 :]
        if k >= 50 and (young != 0).sum() > 500:
            levels.append(float(young[young != 0].mean()))
    assert len(levels) > 20
    assert abs(np.mean(levels)) < 0.1
