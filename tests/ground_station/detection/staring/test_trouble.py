"""What befalls a staring camera: bad frames and pixels, jumps, odd units and motions, and more points than wanted."""

import numpy as np
import pytest

from bench.detection.scenes import spots
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.staring import SceneMotion, StaringConfig, StaringDetector, StaringFrame
from services.ground_station.detection.staring import detector as staring_detector
from services.ground_station.detection.staring.kernels import TILE_COLUMNS, TILE_ROWS
from services.ground_station.detection.staring.motion import tile_shape
from services.ground_station.detection.staring.points import judge, point_bank
from tests.ground_station.detection.staring import naive
from tests.ground_station.detection.staring.sky import (
    DRIFT_PX,
    NOISE_COUNTS,
    PSF_SIGMA_PX,
    SETTLED,
    SIDE,
    Sky,
    is_near,
    run,
)

SHAPE = (SIDE, SIDE)
DRIFT = SceneMotion.translation(SHAPE, *DRIFT_PX)
# Counts of a point for a signal-to-noise ratio of 1.
UNIT_COUNTS = NOISE_COUNTS / 0.43


def settled(contrast: float = 30.0, *, told: bool = False) -> tuple[StaringDetector, Sky]:
    detector, sky = StaringDetector(), Sky(contrast)
    for k in range(SETTLED):
        detector.step(sky.frame(k), DRIFT if told else None)
    return detector, sky


def holds(frame: StaringFrame) -> bool:
    """Return whether the frame was searched against its scene, and what is left of it is noise."""
    return frame.restarted == "" and frame.known > 0.6 and abs(float(frame.z[frame.z != 0].std()) - 1.0) < 0.06


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (np.zeros((SIDE, SIDE, 3), np.uint16), "WRONG_SHAPE"),
        (np.zeros((SIDE, SIDE), np.int64), "WRONG_TYPE"),
        (np.zeros((20, 20), np.uint16), "TOO_SMALL"),
        (np.full((SIDE, SIDE), np.nan, np.float32), "NOT_FINITE"),
        (np.full((SIDE, SIDE), 77, np.uint8), "CONSTANT"),
    ],
)
def test_frame_that_cannot_be_searched_says_why(frame: np.ndarray, reason: str) -> None:
    seen = StaringDetector().step(frame)
    assert seen.restarted == reason
    assert len(seen.detections) == 0
    assert not seen.z.any()


def test_bad_frames_between_good_ones_stop_nothing() -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    for k in range(SETTLED):
        detector.step(sky.frame(k))
        if k % 10 == 9:
            detector.step(np.zeros((20, 20), np.uint16))
            detector.step(np.zeros((SIDE, SIDE, 3), np.uint16))
            assert detector.step(np.full(SHAPE, 77, np.uint16)).restarted == "CONSTANT"
    assert holds(detector.step(sky.frame(SETTLED)))


def test_scene_moves_on_behind_a_frame_that_cannot_be_searched() -> None:
    detector, sky = settled(told=True)
    # Twelve frames' drift in one step is twice what a frame may lie off.
    jump = SceneMotion(12.0 * DRIFT.displacement_px)
    assert detector.step(np.zeros(SHAPE, np.uint16), jump).restarted == "CONSTANT"
    assert holds(detector.step(sky.frame(SETTLED + 12), DRIFT))
    assert detector.step(np.zeros((SIDE, SIDE, 3), np.uint16), jump).restarted == "WRONG_SHAPE"
    assert detector.step(sky.frame(SETTLED + 25), DRIFT).restarted == ""


@pytest.mark.parametrize("counts_more", [700, -300])
def test_jump_of_all_counts_is_no_light_and_loses_no_scene(counts_more: int) -> None:
    detector, sky = settled(contrast=10.0)
    for k in range(SETTLED, SETTLED + 12):
        frame = detector.step((sky.frame(k).astype(np.int64) + counts_more).astype(np.uint16))
        assert holds(frame)
        assert frame.temporal.sum() <= 1


def test_scene_outlives_two_frames_that_do_not_fit_it_but_not_three() -> None:
    detector, sky = settled()
    other = Sky(contrast=30.0, seed=2)
    for k in range(2):
        assert detector.step(other.frame(k)).restarted == "LOST"
    assert holds(detector.step(sky.frame(SETTLED + 2)))
    for k in range(3):
        assert detector.step(other.frame(k)).restarted == "LOST"
    # The third began a scene of its own, which the next fits.
    assert detector.step(other.frame(3)).restarted == "UNKNOWN"


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e4])
def test_residual_is_unit_normal_in_any_unit(unit: float) -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    for k in range(SETTLED + 4):
        frame = detector.step((unit * sky.frame(k)).astype(np.float32))
    assert holds(frame)


def test_float_frames_without_noise_leave_finite_residuals() -> None:
    detector = StaringDetector()
    steps = np.add.outer(np.arange(SIDE), np.arange(SIDE)).astype(np.float32) ** 2
    for _ in range(SETTLED):
        frame = detector.step(steps)
        assert np.isfinite(frame.z).all()


def test_few_bad_pixels_cost_their_places_alone() -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    for k in range(SETTLED + 10):
        counts = sky.frame(k).astype(np.float32)
        counts[70, 50], counts[40, 90] = np.nan, np.inf
        frame = detector.step(counts)
        assert frame.detections.bad_pixels == 2
    assert holds(frame)
    assert not frame.z[69:72, 49:52].any()
    assert not frame.z[39:42, 89:92].any()
    assert np.count_nonzero(frame.z[60:80, 40:60]) == 400 - 9
    assert not is_near(frame, np.array([70.0, 50.0]), 2.0)


def test_dead_line_is_no_chain_of_points() -> None:
    detector, sky = StaringDetector(), Sky(contrast=10.0)
    for k in range(SETTLED):
        counts = sky.frame(k)
        counts[64] = 0
        frame = detector.step(counts)
    assert holds(frame)
    assert frame.detections.bad_pixels == SIDE
    assert not np.any(np.abs(frame.detections.row - 64) < 3)


def test_frame_that_is_bad_for_the_most_part_is_passed_over() -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    for k in range(SETTLED):
        detector.step(sky.frame(k).astype(np.float32))
    half = sky.frame(SETTLED).astype(np.float32)
    half[: SIDE // 2] = np.nan
    assert detector.step(half).restarted == "NOT_FINITE"
    assert holds(detector.step(sky.frame(SETTLED + 1).astype(np.float32)))


def test_tile_of_unknown_motion_is_unknown_and_comes_back() -> None:
    detector, sky = settled(told=True)
    displacement = DRIFT.displacement_px.copy()
    displacement[4, 2] = np.nan
    tile = (slice(4 * TILE_ROWS, 5 * TILE_ROWS), slice(2 * TILE_COLUMNS, 3 * TILE_COLUMNS))
    frame = detector.step(sky.frame(SETTLED), SceneMotion(displacement))
    assert not frame.z[tile].any()
    assert np.isfinite(frame.displacement).all()
    # Its background is learnt again: eight frames' delay, and eight looks two frames apart.
    for k in range(SETTLED + 1, SETTLED + 30):
        frame = detector.step(sky.frame(k), DRIFT)
        assert frame.restarted == ""
        assert np.isfinite(frame.displacement).all()
    assert np.count_nonzero(frame.z[tile]) > 0.9 * TILE_ROWS * TILE_COLUMNS


def test_motion_that_is_nowhere_known_is_not_followed() -> None:
    motion = SceneMotion(np.full((*tile_shape(SHAPE), 2), np.nan))
    assert not motion.followed.any()
    assert not motion.displacement_px.any()
    detector, sky = settled(told=True)
    assert detector.step(sky.frame(SETTLED), motion).restarted == "LOST"
    assert holds(detector.step(sky.frame(SETTLED), DRIFT))


def test_motion_of_other_tiles_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        SceneMotion(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="followed has shape"):
        SceneMotion(np.zeros((8, 4, 2)), np.ones((4, 8), dtype=bool))
    detector, sky = settled(told=True)
    with pytest.raises(ValueError, match=r"motion has \(16, 8\) tiles.*\(8, 4\)"):
        detector.step(sky.frame(SETTLED), SceneMotion.translation((256, 256), 0.0, 0.0))


@pytest.mark.parametrize(
    "matrix",
    [
        [[1.0, 0.0, 0.0], [3.0, 1.0, -190.0]],
        [[8.0, 0.0, -440.0], [0.0, 8.0, -440.0]],
        [[-1.0, 0.0, 127.0], [0.0, -1.0, 127.0]],
        [[1.0, 0.9, -57.0], [0.9, 1.0, -57.0]],
    ],
    ids=["sheared", "grown", "turned upside down", "sheared along both"],
)
def test_motion_steeper_than_a_scene_can_be_carried_stops_nothing(matrix: list[list[float]]) -> None:
    detector, sky = settled(told=True)
    steep = SceneMotion.affine(SHAPE, np.array(matrix))
    assert detector.step(sky.frame(SETTLED), steep).restarted == "LOST"
    for k in range(SETTLED + 1, SETTLED + 12):
        assert np.isfinite(detector.step(sky.frame(k), steep).z).all()
    for k in range(SETTLED + 12, SETTLED + 60):
        frame = detector.step(sky.frame(k), DRIFT)
    assert holds(frame)


def test_saturated_point_is_placed_by_what_is_not_saturated() -> None:
    most = 6000.0
    config = DetectionConfig(psf_sigma_px=PSF_SIGMA_PX, saturation_counts=most)
    detector, sky = StaringDetector(config), Sky(contrast=0.0)
    run(detector, sky, 0, SETTLED)
    errors = []
    for k in range(SETTLED, SETTLED + 10):
        scene_place = np.array([90.0, 45.0]) + 0.7 * (k - SETTLED)
        counts = np.minimum(sky.frame(k, [(*scene_place, 400.0 * UNIT_COUNTS)]), most).astype(np.uint16)
        frame = detector.step(counts)
        place = scene_place - sky.place
        nearest = int(np.argmin(np.hypot(frame.detections.row - place[0], frame.detections.column - place[1])))
        assert not frame.temporal[nearest]
        row, column, amplitude = (
            getattr(frame.detections, name)[nearest] for name in ("row", "column", "amplitude_counts")
        )
        errors.append(np.hypot(row - place[0], column - place[1]))
        # What is cut off is made up for, where the point is taken as it shows it lacks nine tenths.
        assert amplitude > 0.5 * 400.0 * UNIT_COUNTS
    assert np.mean(errors) < 0.15


def test_of_too_many_points_the_brightest_are_judged_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staring_detector, "MOST_CANDIDATES", 6)
    detector, sky = settled(contrast=0.0)
    lights = [(60.0 + 12.0 * (n // 4), 20.0 + 15.0 * (n % 4), (10.0 + 3.0 * n) * UNIT_COUNTS) for n in range(16)]
    frame = detector.step(sky.frame(SETTLED, lights))
    assert frame.detections.left_out >= 10
    strongest = np.array(lights[-4:])[:, :2] - sky.place
    for place in strongest:
        assert is_near(frame, place)
    assert not is_near(frame, np.array(lights[0][:2]) - sky.place)


def test_frame_full_of_points_is_searched_in_bounded_time() -> None:
    detector, sky = settled(contrast=0.0)
    rng = np.random.default_rng(5)
    counts = sky.frame(SETTLED).astype(np.float64)
    counts[rng.random(SHAPE) < 0.05] += 250.0
    found = detector.step(np.rint(counts).astype(np.uint16)).detections
    assert 100 < len(found) < SIDE * SIDE / 16


@pytest.mark.parametrize("psf_sigma_px", [0.3, 0.6, 1.2])
def test_point_between_four_pixels_shows_in_them_what_the_screen_reckons_with(psf_sigma_px: float) -> None:
    bank, place = point_bank(psf_sigma_px), 10
    half = np.array([[place + 0.5, place + 0.5]])
    light = spots((2 * place + 2, 2 * place + 2), half, psf_sigma_px, np.array([1e6]))
    z = naive.filtered(light, 0.0, bank.taps.astype(np.float64)).astype(np.float32)
    found = judge(z, np.array([place]), np.array([place]), bank, 0.0)
    assert bank.shown == pytest.approx(float(z.max()) / found.snr[0], abs=0.002)


def test_spatial_detector_of_other_settings_is_heard_where_the_scene_is_unknown() -> None:
    alone = Detector(DetectionConfig(least_snr=40.0, psf_sigma_px=PSF_SIGMA_PX))
    detector = StaringDetector(StaringConfig(psf_sigma_px=PSF_SIGMA_PX), alone)
    sky = Sky(contrast=0.0)
    first = detector.step(sky.frame(0, [(60.0, 60.0, 30.0 * UNIT_COUNTS), (90.0, 60.0, 60.0 * UNIT_COUNTS)]))
    assert is_near(first, np.array([90.0, 60.0]) - sky.place)
    assert not is_near(first, np.array([60.0, 60.0]) - sky.place)
