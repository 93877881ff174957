"""Moving points over a scene that moves itself."""

import itertools
import pickle

import numpy as np
import pytest
from scipy import ndimage

from bench.detection.scenes import cloud_field, spots
from services.ground_station.detection.clutter import keep_prominent
from services.ground_station.detection.detect import Detector
from services.ground_station.detection.registration import shift_between, spectrum
from services.ground_station.detection.sequence import SequenceDetector

SIDE = 160
FRAMES = 24


def scene(points: int = 300) -> np.ndarray:
    """Return ground, larger than a frame, with hot clutter all over."""
    rng = np.random.default_rng(4)
    side = 2 * SIDE
    places = rng.uniform(5, side - 5, (points, 2))
    return 100 + 15 * cloud_field(rng, side) + spots((side, side), places, 0.8, rng.uniform(100, 800, points))


def panned(ground: np.ndarray, frame: int, seed: int = 0) -> tuple[np.ndarray, tuple[float, float]]:
    """Return what a camera sees that pans by whole pixels, and where the target is: it moves against the ground."""
    top, left = 20 + frame // 2, 30 + frame
    target = (60.0 + 0.7 * frame, 90.0 - 1.2 * frame)
    counts = ground[top : top + SIDE, left : left + SIDE] + np.random.default_rng((seed, frame)).normal(
        0, 2, (SIDE, SIDE)
    )
    counts = counts + spots((SIDE, SIDE), np.array([target]), 0.7, np.array([250.0]))
    return np.clip(np.rint(counts), 0, 255).astype(np.uint8), target


@pytest.mark.parametrize("both_sides", [True, False])
def test_target_is_found_where_its_scene_hides_it(both_sides: bool) -> None:
    ground = scene()
    frames = [panned(ground, i) for i in range(FRAMES)]
    detector = SequenceDetector(frame_rate_hz=10.0, both_sides=both_sides)
    assert detector.frames_ahead == (10 if both_sides else 0)
    hits = false = alone = 0
    searched = range(12, FRAMES)
    for i in range(FRAMES):
        for later in range(i, min(i + detector.frames_ahead + 1, FRAMES)):
            detector.remember(later, frames[later][0])
        found, extents = detector.detect(i, frames[i][0])
        assert extents.max() == len(found)
        if i in searched:
            distance = np.hypot(found.row - frames[i][1][0], found.column - frames[i][1][1])
            hits += bool(np.any(distance < 1.5))
            false += int(np.sum(distance >= 3))
            alone += len(Detector().detect(frames[i][0]))
    assert hits >= len(searched) - 1
    assert alone > 20 * len(searched)
    assert false < alone / 10


def on_file(frames: list[np.ndarray], detector: SequenceDetector) -> list[np.ndarray]:
    """Return the places (n, 2) found in each frame of a sequence on file."""
    found = []
    for i in range(len(frames) + detector.frames_to_confirm):
        for later in range(i, min(i + detector.frames_ahead + 1, len(frames))):
            detector.remember(later, frames[later])
        if i < len(frames):
            detector.look(i, frames[i])
        if i >= detector.frames_to_confirm:
            points, extents = detector.confirmed(i - detector.frames_to_confirm)
            assert extents.max() == len(points)
            found.append(np.stack([points.row, points.column], axis=1))
    return found


def test_on_file_only_the_target_is_left_of_a_scene_with_flashes() -> None:
    ground = scene()
    rng = np.random.default_rng(6)
    frames, targets = [], []
    for i in range(40):
        counts, target = panned(ground, i)
        flashes = spots((SIDE, SIDE), rng.uniform(5, SIDE - 5, (3, 2)), 0.7, np.full(3, 400.0))
        frames.append(np.clip(np.rint(counts + flashes), 0, 255).astype(np.uint8))
        targets.append(target)
    found = on_file(frames, SequenceDetector(frame_rate_hz=10.0, both_sides=True))
    near = [np.hypot(*(places - target).T) <= 1.5 for places, target in zip(found, targets, strict=True)]
    assert sum(each.any() for each in near) >= 38
    assert sum(int(np.sum(~each)) for each in near) <= 1


@pytest.mark.parametrize("degrees", [0.1, -0.2])
def test_camera_that_turns_sees_the_target_and_no_scenery(degrees: float) -> None:
    ground = scene(60)
    middle, wide = (SIDE - 1) / 2, (2 * SIDE - 1) / 2
    frames, targets = [], []
    for i in range(40):
        turn = np.deg2rad(degrees * (i - 20))
        back = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        seen = ndimage.affine_transform(
            ground, back, offset=wide - back @ [middle, middle], output_shape=(SIDE, SIDE), order=1
        )
        target = (60.0 + 0.7 * i, 90.0 - 1.2 * i)
        counts = seen + np.random.default_rng(i).normal(0, 2, seen.shape)
        counts = counts + spots((SIDE, SIDE), np.array([target]), 0.7, np.array([250.0]))
        frames.append(np.clip(np.rint(counts), 0, 255).astype(np.uint8))
        targets.append(target)
    found = on_file(frames, SequenceDetector(frame_rate_hz=10.0, both_sides=True))
    near = [np.hypot(*(places - target).T) <= 1.5 for places, target in zip(found, targets, strict=True)]
    assert sum(each.any() for each in near) >= 38
    # Of some fifteen hot points in each frame.
    assert sum(int(np.sum(~each)) for each in near) <= 2


@pytest.mark.parametrize("step", [1, -1])
def test_what_a_detector_holds_does_not_grow(step: int) -> None:
    ground = scene()
    detector = SequenceDetector(frame_rate_hz=10.0)
    held = []
    for i in range(120):
        detector.detect(step * i, panned(ground, i % 40)[0])
        parts = [detector.__dict__[name] for name in ("_seen", "_looks", "_search")]
        held.append(sum(len(pickle.dumps(each)) for each in parts))
    assert max(held[60:]) < 1.2 * max(held[30:60])


def test_first_frame_and_dull_sky_are_searched_by_themselves() -> None:
    rng = np.random.default_rng(1)
    detector = SequenceDetector(frame_rate_hz=10.0)
    for i in range(20):
        counts = np.clip(
            np.rint(
                rng.normal(100, 3, (96, 96)) + 200 * spots((96, 96), np.array([[40.0, 20.0 + i]]), 0.7, np.ones(1))
            ),
            0,
            255,
        )
        found, _ = detector.detect(i, counts.astype(np.uint8))
        assert np.any(np.hypot(found.row - 40, found.column - 20 - i) < 1), f"frame {i}"


def test_frame_of_another_size_starts_a_scene_of_its_own() -> None:
    ground = scene()
    detector = SequenceDetector(frame_rate_hz=10.0)
    for i in range(8):
        detector.detect(i, panned(ground, i)[0])
    found, _ = detector.detect(8, panned(ground, 8)[0][:100])
    assert found.reason == ""


def test_frame_that_cannot_be_searched_says_why_and_the_next_goes_on() -> None:
    ground = scene()
    detector = SequenceDetector(frame_rate_hz=10.0)
    for i in range(14):
        counts = np.zeros((SIDE, SIDE), np.uint8) if i == 7 else panned(ground, i)[0]
        found, _ = detector.detect(i, counts)
        assert found.reason == ("CONSTANT" if i == 7 else "")


@pytest.mark.parametrize("shift", [(0, 0), (3, -7), (-11, 2)])
def test_shift_is_how_far_the_scene_moved(shift: tuple[int, int]) -> None:
    ground = scene()
    later = ground[40 - shift[0] : 40 - shift[0] + SIDE, 40 - shift[1] : 40 - shift[1] + SIDE]
    found = shift_between(
        spectrum(ground[40 : 40 + SIDE, 40 : 40 + SIDE].astype(np.float32)), spectrum(later.astype(np.float32)), SIDE
    )
    assert found is not None
    assert found.rows == pytest.approx(shift[0], abs=0.1)
    assert found.columns == pytest.approx(shift[1], abs=0.1)


def test_unrelated_noise_has_no_shift() -> None:
    rng = np.random.default_rng(9)
    frames = [spectrum(rng.normal(100, 3, (256, 256)).astype(np.float32)) for _ in range(6)]
    assert all(shift_between(a, b, 256) is None for a, b in itertools.pairwise(frames))


def test_prominent_points_are_kept_and_a_clear_picture_keeps_all() -> None:
    rng = np.random.default_rng(5)
    places = np.array([[30.0, 40.0], [80.0, 90.0], [120.0, 50.0]])
    noise = rng.normal(100, 3, (SIDE, SIDE))

    def kept(amplitudes: list[float]) -> int:
        counts = (noise + spots((SIDE, SIDE), places, 0.7, np.array(amplitudes))).astype(np.float32)
        found, extents = keep_prominent(*Detector().detect_with_extents(counts))
        assert extents.max() == len(found)
        return len(found)

    assert kept([55.0, 55.0, 55.0]) == 3
    assert kept([3000.0, 55.0, 2500.0]) == 2


def test_frame_rate_must_be_positive() -> None:
    with pytest.raises(ValueError, match="frame_rate_hz is 0"):
        SequenceDetector(frame_rate_hz=0.0)
