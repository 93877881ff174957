"""The staring chain as a whole: what it finds, what it lets be, and that nothing stops it."""

import numpy as np
import pytest

from services.geometry.camera import Camera
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.frames import itrs_from_gcrs
from services.ground_station.detection.detect import DetectionConfig
from services.ground_station.detection.staring import SceneMotion, StaringConfig, StaringDetector
from services.ground_station.detection.staring.kernels import TILE_COLUMNS, TILE_ROWS
from services.ground_station.detection.staring.motion import after, fit_affine, inverse, without
from services.ground_station.detection_batch import Geometry
from tests.ground_station.detection.staring.sky import (
    DRIFT_PX,
    NOISE_COUNTS,
    SETTLED,
    SIDE,
    Sky,
    is_near,
    run,
)


def test_residual_of_a_rough_scene_is_unit_normal() -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    frames = run(detector, sky, 0, SETTLED)
    after = [detector.step(sky.frame(k)).z.copy() for k in range(SETTLED, SETTLED + 30)]
    z = np.concatenate([each[each != 0] for each in after])
    assert frames[-1].known > 0.7
    assert abs(z.std() - 1.0) < 0.03
    # 3.2e-5 of a normal distribution; 300,000 values of which a ninth are independent: +- 2e-5.
    assert (z > 4.0).mean() < 1e-4


def test_target_that_moves_against_the_scene_is_found_where_it_is() -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    run(detector, sky, 0, SETTLED)
    hits, errors = 0, []
    for k in range(SETTLED, SETTLED + 30):
        scene_place = np.array([80.0, 40.0]) + 0.5 * (k - SETTLED)
        counts = 12.0 * NOISE_COUNTS / 0.43
        frame = detector.step(sky.frame(k, [(*scene_place, counts)]))
        place = scene_place - sky.place
        hits += is_near(frame, place)
        nearest = int(np.argmin(np.hypot(frame.detections.row - place[0], frame.detections.column - place[1])))
        assert frame.temporal[nearest]
        error = np.array([frame.detections.row[nearest] - place[0], frame.detections.column[nearest] - place[1]])
        errors.append(error**2 / frame.detections.covariance_px2[nearest, [0, 2]])
    assert hits == 30
    # A true covariance makes this 1; 60 values leave +- 0.2.
    assert 0.4 < np.mean(errors) < 2.0


def test_new_light_that_stands_still_is_found_at_once_and_for_the_delay() -> None:
    detector, sky = StaringDetector(), Sky(contrast=10.0)
    run(detector, sky, 0, SETTLED)
    light = (90.0, 45.0, 20.0 * NOISE_COUNTS / 0.43)
    for k in range(SETTLED, SETTLED + detector.config.delay_frames + 20):
        frame = detector.step(sky.frame(k, [light]))
        assert is_near(frame, np.array(light[:2]) - sky.place)


def test_light_that_was_always_there_is_scenery() -> None:
    detector, sky = StaringDetector(), Sky(contrast=10.0)
    light = (90.0, 45.0, 8.0 * NOISE_COUNTS / 0.43)
    found = 0
    for k in range(SETTLED + 20):
        frame = detector.step(sky.frame(k, [light]))
        found += k >= SETTLED and is_near(frame, np.array(light[:2]) - sky.place)
    assert found <= 2


def test_shift_follows_the_scene() -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    places = []
    for k in range(SETTLED + 20):
        frame = detector.step(sky.frame(k))
        places.append(frame.shift @ [SIDE / 2, SIDE / 2, 1.0] - sky.place - SIDE / 2)
    # Coordinates begin at the first frame, which trembled, too.
    assert np.std(places[SETTLED:], axis=0).max() < 0.03


def test_known_drift_is_taken_instead_of_a_guess() -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    motion = SceneMotion.translation((SIDE, SIDE), *(-DRIFT_PX))
    wrong = detector.step(sky.frame(0))
    for k in range(1, SETTLED):
        frame = detector.step(sky.frame(k), SceneMotion.translation((SIDE, SIDE), *DRIFT_PX))
    assert wrong.restarted == "FIRST"
    assert frame.restarted == ""
    lost = [detector.step(sky.frame(k), SceneMotion(20.0 * motion.displacement_px)).restarted for k in range(50, 54)]
    assert "LOST" in lost


def test_another_size_begins_anew() -> None:
    detector, sky = StaringDetector(), Sky(contrast=30.0)
    run(detector, sky, 0, 20)
    frame = detector.step(sky.frame(20)[:96, :100])
    assert frame.restarted == "SIZE"
    assert frame.z.shape == (96, 100)
    assert detector.step(sky.frame(21)[:96, :100]).restarted == "UNKNOWN"


def test_unknown_places_are_searched_by_the_frame_alone() -> None:
    detector, sky = StaringDetector(), Sky(contrast=0.0)
    run(detector, sky, 0, SETTLED)
    # The scene drifts so that new rows come in at the bottom.
    place = np.array([SIDE - 7.0, 60.0])
    frame = detector.step(sky.frame(SETTLED, [(*(place + SETTLED * DRIFT_PX), 60.0 * NOISE_COUNTS)]))
    nearest = int(np.argmin(np.hypot(frame.detections.row - place[0], frame.detections.column - place[1])))
    assert is_near(frame, place, within_px=2.0)
    assert not frame.temporal[nearest]
    assert frame.z[round(place[0]), round(place[1])] == 0.0


def test_detection_settings_are_taken_over() -> None:
    detector, sky = StaringDetector(DetectionConfig(pfa=1e-5, max_detections=5, least_snr=30.0)), Sky(contrast=0.0)
    assert (detector.config.pfa, detector.config.psf_sigma_px, detector.config.max_detections) == (1e-5, 0.7, 5)
    run(detector, sky, 0, SETTLED)
    lights = [(80.0, 20.0 + 10.0 * n, (25.0 + 10.0 * n) * NOISE_COUNTS / 0.43) for n in range(10)]
    found = detector.step(sky.frame(SETTLED, lights)).detections
    assert found.threshold_snr == 30.0
    assert len(found) == 5
    assert found.snr.min() > 30.0
    assert found.left_out >= 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"pfa": 2e-4},
        {"psf_sigma_px": 5.0},
        {"max_detections": 0},
        {"delay_frames": 0},
        {"learn_every": 99},
        {"learn_every": 3},
        {"gain": 0.9},
        {"least_looks": 17},
        {"learn_clip": 0.0},
        {"learn_clip": float("nan")},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        StaringConfig(**wrong)  # type: ignore[arg-type]


def test_displacements_chain_and_turn_round() -> None:
    matrix = np.array([[1.002, -0.001, 3.0], [0.0015, 0.999, -2.0]])
    shape = (20 * TILE_ROWS, 10 * TILE_COLUMNS)
    one = SceneMotion.affine(shape, matrix).displacement_px
    np.testing.assert_allclose(fit_affine(one), matrix, atol=1e-9)
    both = after(one, one)
    square = np.vstack([matrix, [0, 0, 1]]) @ np.vstack([matrix, [0, 0, 1]])
    np.testing.assert_allclose(fit_affine(both), square[:2], atol=1e-6)
    np.testing.assert_allclose(without(both, one), one, atol=1e-4)
    back = inverse(one)
    np.testing.assert_allclose(fit_affine(back), np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2], atol=1e-4)


def test_known_geometry_moves_the_ground_as_the_satellite_flies() -> None:
    camera = Camera("equidistant", 1000.0, 255.5, 255.5)
    unix_ns = 1_800_000_000_000_000_000
    turn = itrs_from_gcrs(unix_ns)
    place_itrs = geodetic_to_itrs(10.0, 20.0, 1.0e6)
    up = place_itrs / np.linalg.norm(place_itrs)
    north = np.array([0.0, 0.0, 1.0]) - up[2] * up
    north /= np.linalg.norm(north)
    east = np.cross(north, up)
    # Columns are the camera's axes: x (columns) east, y (rows) south, z down.
    rotation = turn.T @ np.column_stack([-east, -north, -up])
    speed_m_per_s = 7000.0
    before = Geometry(turn.T @ place_itrs, np.zeros(3), rotation, camera)
    now_itrs = place_itrs + 0.1 * speed_m_per_s * north
    now = Geometry(itrs_from_gcrs(unix_ns + 10**8).T @ now_itrs, np.zeros(3), rotation, camera)
    motion = SceneMotion.between(before, unix_ns, now, unix_ns + 10**8, (512, 512))
    middle = motion.displacement_px[16, 8]
    assert motion.followed.all()
    # 700 m of 1,000 km are 0.7 px of 1 mrad; the ground comes from the north, where rows are small.
    assert middle[0] == pytest.approx(-0.7, abs=0.02)
    assert abs(middle[1]) < 0.06


def test_limb_is_not_followed() -> None:
    camera = Camera("equidistant", 500.0, 255.5, 255.5)
    unix_ns = 1_800_000_000_000_000_000
    turn = itrs_from_gcrs(unix_ns)
    place_itrs = geodetic_to_itrs(0.0, 0.0, 1.0e6)
    up, north, east = np.eye(3)[0], np.eye(3)[2], np.eye(3)[1]
    # Looks along the horizon, 30 degrees down: the limb is within view.
    ahead = np.cos(np.radians(30.0)) * north - np.sin(np.radians(30.0)) * up
    down = -np.sin(np.radians(30.0)) * north - np.cos(np.radians(30.0)) * up
    rotation = turn.T @ np.column_stack([-east, down, ahead])
    pose = Geometry(turn.T @ place_itrs, np.zeros(3), rotation, camera)
    motion = SceneMotion.between(pose, unix_ns, pose, unix_ns, (512, 512))
    assert 0 < (~motion.followed).sum() < 0.2 * motion.followed.size
    # Sky above and ground below are.
    assert motion.followed[0, 8]
    assert motion.followed[-1, 8]
    np.testing.assert_allclose(motion.displacement_px[motion.followed], 0.0, atol=1e-6)
