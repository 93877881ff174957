"""Pictures: what is where on them."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sat_emulator.frame import Frame, Pose
from sat_emulator.replay.folder import FolderSource
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.frames import itrs_from_gcrs
from services.geometry.time import NS_PER_S
from services.runtime.configuration import from_table
from services.scenario.model import Scenario
from services.scenario.resolve import resolve_satellites, start_unix_ns
from services.scenario.view import lens, nominal_pose
from services.stack.pictures.frame_picture import COLOURS, Scale, draw
from services.stack.pictures.labels import Labels
from services.stack.pictures.marks import Mark, position_at, sequence_at, truth_marks

SCENARIO = from_table({"name": "a", "train": {}, "area": {"latitude_deg": -30.9, "longitude_deg": 136.5}}, Scenario)
START = start_unix_ns(SCENARIO)


def _frame() -> Frame:
    satellite = resolve_satellites(SCENARIO)[1]
    counts = np.zeros((1024, 1024), np.uint16)
    return Frame(
        0, START, START + 70_000_000, 0.0, counts, 0, 0, Pose(*nominal_pose(satellite, START)), lens(SCENARIO.sensor)
    )


def _record(name: str, *places: tuple[float, float, float]) -> dict[str, Any]:
    track = [
        {"time_unix_ns": START + second * NS_PER_S, "position_itrs_m": geodetic_to_itrs(*place).tolist()}
        for second, place in enumerate(places)
    ]
    return {"object_id": name, "track": track}


def test_truth_falls_where_the_camera_sees_it() -> None:
    here = (-30.9, 136.5, 0.0)
    records = [
        _record("middle", here, here),
        _record("behind-the-earth", (30.9, -43.5, 0.0), (30.9, -43.5, 0.0)),
        _record("out-of-view", (-30.9, 170.0, 2e5), (-30.9, 170.0, 2e5)),
        {**_record("later", here, here), "track": [{"time_unix_ns": START + 1, "position_itrs_m": [7e6, 0, 0]}]},
    ]
    (mark,) = truth_marks(_frame(), records)
    assert mark.label == "middle"
    assert (mark.row, mark.column) == pytest.approx((511.5, 511.5), abs=1e-6)


def test_frame_without_geometry_has_no_truth_marks() -> None:
    frame = Frame(0, START, START + 1, 0.0, np.zeros((8, 8), np.uint8))
    assert truth_marks(frame, [_record("a", (0, 0, 0), (0, 0, 0))]) == []


def test_place_between_two_points_of_a_track() -> None:
    record = {"track": [{"time_unix_ns": t, "position_itrs_m": [float(t), 0, 0]} for t in (10, 20, 30)]}
    for instant in (10, 14, 20, 27, 30):
        found = position_at(record, instant)
        assert found is not None
        assert found[0] == pytest.approx(instant)
    assert position_at(record, 9) is None
    assert position_at(record, 31) is None
    assert position_at({"track": []}, 5) is None


def test_newest_frame_of_an_instant_is_taken(tmp_path: Path) -> None:
    for place in range(4):
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / f"{place}.png")
    source = FolderSource(tmp_path, 2.0, 0)
    assert [sequence_at(source, round(second * NS_PER_S)) for second in (0, 0.5, 0.9, 1.0, 9)] == [0, 0, 0, 1, 3]


def test_marks_are_drawn_at_their_pixels() -> None:
    counts = np.random.default_rng(1).normal(1000, 10, (256, 256)).astype(np.uint16)
    picture = np.asarray(draw(counts, [Mark("detection", 40.0, 100.0), Mark("truth", 40.0, 180.0, "x")], "title"))
    # 256 px are enlarged three times.
    assert picture.shape == (768, 768, 3)
    # Below the title and what explains the marks.
    square = np.argwhere((picture[80:] == COLOURS["detection"]).all(axis=2)).mean(axis=0)
    assert square == pytest.approx([40.5 * 3 - 80, 100.5 * 3], abs=0.6)
    circle = np.argwhere((picture[:160, 490:562] == COLOURS["truth"]).all(axis=2))
    assert circle[:, 0].min() > 90
    # The cut-out of the truth lies at the bottom left.
    assert (picture[-216:, :210] == COLOURS["truth"]).all(axis=2).any()


@pytest.mark.parametrize(
    "counts", [np.full((4, 4), 7.0), np.array([[math.nan, math.inf], [-math.inf, 1.0]]), np.full((2, 2), math.nan)]
)
def test_flat_and_broken_frames_can_be_drawn(counts: Any) -> None:
    assert Scale.of([counts]).grey(counts).dtype == np.uint8


def test_one_scale_keeps_the_same_counts_the_same_grey() -> None:
    dark, bright = np.full((8, 8), 100.0), np.full((8, 8), 900.0)
    scale = Scale.of([dark, bright])
    assert (scale.black, scale.white) == (100.0, 900.0)
    both = np.concatenate([dark, bright])
    assert np.array_equal(scale.grey(both)[:8], scale.grey(dark))
    assert scale.grey(dark).max() == 0
    assert scale.grey(bright).min() == 255


def test_plume_of_one_pixel_stays_white_in_a_reduced_frame() -> None:
    counts = np.random.default_rng(1).normal(1000, 10, (1000, 700))
    counts[613, 402] = 60_000
    picture = np.asarray(draw(counts, [], "", side_px=150, legend=False))
    assert picture.shape == (150, 105, 3)
    # floor(613 * 0.15), floor(402 * 0.15)
    assert picture[91, 60].tolist() == [255, 255, 255]
    assert (picture[100:, :, 0] < 255).mean() > 0.5


def test_names_of_near_objects_do_not_cover_each_other() -> None:
    picture = Image.new("RGB", (300, 200))
    labels = Labels(ImageDraw.Draw(picture), 300, 200, 12)
    placed = [labels.put(150, 100, f"object-{place}", (255, 255, 255)) for place in range(40)]
    boxes = labels._taken
    assert len(boxes) == sum(placed)
    assert 8 <= len(boxes) < 40
    for place, one in enumerate(boxes):
        assert one[0] >= 0
        assert one[2] <= 300
        for other in boxes[:place]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_object_at_rest_is_under_the_satellite_that_flies_over_it() -> None:
    # The chain of rotations once more, by another way: the satellite's ground speed points along the image's top.
    frame = _frame()
    assert frame.pose is not None
    itrs = itrs_from_gcrs(START)
    place = geodetic_to_itrs(-30.9, 136.5, 0.0)
    before, after = (itrs_from_gcrs(START + sign * NS_PER_S // 10).T @ place for sign in (-1, 1))
    velocity = (after - before) / 0.2
    relative = frame.pose.rotation_camera_to_gcrs.T @ (velocity - frame.pose.velocity_gcrs_m_per_s)
    # What rests on the ground moves down the image.
    assert relative[1] > 6_000
    assert abs(relative[0]) < 600
    assert itrs.shape == (3, 3)
