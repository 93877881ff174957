"""Streams whose cameras' geometry is known: what the scene explains is not reported, and frames are taken in turn."""

from dataclasses import replace

import numpy as np
import pytest

from bench.detection.scenes import cloud_field, spots
from plumewatch.v1 import frame_pb2
from services.geometry.camera import Camera
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection_batch import Geometry
from services.ground_station.search import Search
from services.ground_station.stares import LONGEST_GAP, MOST_STREAMS, Stares
from services.ground_station.wire import FrameMessage, batch_from_message

SIDE = 192
RATE_HZ = 10.0
# Looks away from the Earth: what it sees stays where it is.
STARS = Geometry(
    position_gcrs_m=np.array([7.4e6, 0.0, 0.0]),
    velocity_gcrs_m_per_s=np.array([0.0, 7.3e3, 0.0]),
    rotation_camera_to_gcrs=np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    camera=Camera("equidistant", focal_length_px=1000.0, principal_row=95.5, principal_column=95.5, psf_sigma_px=0.6),
)
FRAMES = 40


def head(sequence: int, satellite_id: str = "sat-1") -> frame_pb2.Frame:
    message = frame_pb2.Frame(
        run_id="run",
        satellite_id=satellite_id,
        sequence=sequence,
        exposure_start_unix_ns=1_782_043_200_000_000_000 + round(sequence * 1e9 / RATE_HZ),
        exposure_s=0.02,
        rows=SIDE,
        columns=SIDE,
        pixel_encoding=frame_pb2.PIXEL_ENCODING_UINT16_LE,
    )
    message.position_gcrs_m.x = 7.4e6
    message.velocity_gcrs_m_per_s.y = 7.3e3
    # Turns (1, 1, 1) by 120 degrees: z to x, x to y, y to z.
    turn = message.attitude_camera_to_gcrs
    turn.w = turn.x = turn.y = turn.z = 0.5
    camera = message.camera
    camera.projection, camera.focal_length_px = frame_pb2.PROJECTION_EQUIDISTANT, 1000.0
    camera.principal_row = camera.principal_column = 95.5
    camera.psf_sigma_px = 0.6
    return message


def frame(sequence: int) -> np.ndarray:
    """Return 200 steady points on cloud, and one that moves by 0.5 px a frame."""
    rng = np.random.default_rng(1)
    field = 3000 + 200 * cloud_field(rng, SIDE)
    field += spots((SIDE, SIDE), rng.uniform(4, SIDE - 4, (200, 2)), 0.6, rng.uniform(500, 3000, 200))
    field += spots((SIDE, SIDE), np.array([[90.3, 40.0 + 0.5 * sequence]]), 0.6, np.array([900.0]))
    field += np.random.default_rng((2, sequence)).normal(0, 20, (SIDE, SIDE))
    return np.clip(np.rint(field), 0, 65535).astype(np.uint16)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return [frame(i) for i in range(FRAMES)]


def test_a_stare_keeps_what_moves_and_loses_what_stays(frames: list[np.ndarray]) -> None:
    stares = Stares(DetectionConfig())
    found = [stares.detect(head(i), STARS, frames[i], 0.6) for i in range(FRAMES)]
    assert len(Detector(DetectionConfig(psf_sigma_px=0.6)).detect(frames[30])) > 100
    # It takes 8 frames until the first is learnt, and 16 more until there are looks enough to judge by.
    for i in range(28, FRAMES):
        near = np.hypot(found[i].row - 90.3, found[i].column - 40 - 0.5 * i) < 1
        assert near.sum() == 1, f"frame {i}"
        # The border's pixels have no background of their own, and are searched by the frame alone.
        inside = (np.abs(found[i].row - SIDE / 2) < SIDE / 2 - 10) & (
            np.abs(found[i].column - SIDE / 2) < SIDE / 2 - 10
        )
        assert inside.sum() <= 2, f"frame {i}"


def test_long_gap_begins_a_new_scene(frames: list[np.ndarray]) -> None:
    stares = Stares(DetectionConfig())
    for i in range(30):
        stares.detect(head(i), STARS, frames[i], 0.6)
    alone = Detector(DetectionConfig(psf_sigma_px=0.6)).detect(frames[30])
    np.testing.assert_array_equal(stares.detect(head(30 + LONGEST_GAP), STARS, frames[30], 0.6).row, alone.row)


def test_streams_do_not_mix_and_only_so_many_are_remembered(frames: list[np.ndarray]) -> None:
    stares = Stares(DetectionConfig())
    for i in range(MOST_STREAMS + 3):
        stares.detect(head(0, f"sat-{i}"), STARS, frames[0][:64, :64], 0.6)
    assert len(stares._stares) == MOST_STREAMS


def test_wide_spots_are_searched_by_the_frame_alone(frames: list[np.ndarray]) -> None:
    alone = Detector(DetectionConfig()).detect(frames[0], 2.0)
    np.testing.assert_array_equal(Stares(DetectionConfig()).detect(head(0), STARS, frames[0], 2.0).row, alone.row)


async def test_frames_of_a_stream_are_searched_in_turn_by_many_threads(frames: list[np.ndarray]) -> None:
    stares = Stares(DetectionConfig())
    search = Search(DetectionConfig(), threads=4)
    try:
        started = [search.start(FrameMessage(head(i), memoryview(frames[i].tobytes()))) for i in range(FRAMES)]
        for i, future in enumerate(started):
            expected = stares.detect(head(i), STARS, frames[i], 0.6)
            batch = batch_from_message((await future).batch)
            np.testing.assert_array_equal(batch.detections.row, expected.row)
    finally:
        search.close()


def test_change_of_the_camera_begins_a_new_scene(frames: list[np.ndarray]) -> None:
    stares = Stares(DetectionConfig())
    for i in range(30):
        stares.detect(head(i), STARS, frames[i], 0.6)
    other = replace(STARS, camera=replace(STARS.camera, focal_length_px=900.0))
    alone = Detector(DetectionConfig(psf_sigma_px=0.6)).detect(frames[30])
    np.testing.assert_array_equal(stares.detect(head(30), other, frames[30], 0.6).row, alone.row)


def test_more_false_detections_than_a_scene_is_searched_with_are_the_frames_own(frames: list[np.ndarray]) -> None:
    config = DetectionConfig(pfa=1e-3)
    alone, stares = Detector(config), Stares(config)
    for i in range(3):
        found = stares.detect(head(i), STARS, frames[i], 0.6)
        np.testing.assert_array_equal(found.row, alone.detect(frames[i], 0.6).row)


def test_settings_of_the_station_hold_for_a_scene_too(frames: list[np.ndarray]) -> None:
    stares = Stares(DetectionConfig(least_snr=60.0))
    for i in range(FRAMES):
        found = stares.detect(head(i), STARS, frames[i], 0.6)
        assert found.snr.min(initial=np.inf) >= 60.0
    assert found.threshold_snr == 60.0
