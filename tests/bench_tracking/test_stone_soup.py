"""Stone Soup's side: directions there and back, and its tracker on our looks."""

import json
from datetime import timedelta

import numpy as np
import pytest

from bench.tracking.bodies import Flights
from bench.tracking.looks import looks
from bench.tracking.scenarios import Quality, boost
from bench.tracking.stone_soup import EPOCH, LIGHT_NS, detections, look_lines, run, stone_soup_tracks
from bench.tracking.tracks import assign, read_tracks


@pytest.fixture(scope="module")
def sky_and_lines():  # type: ignore[no-untyped-def]
    sky = boost(9001, 4, "intercontinental_liquid", Quality(rolling=False, clutter_per_look=3.0), seen_s=15.0)
    return sky, [look.line for look in looks(sky, np.random.default_rng(1))]


def test_directions_come_back_from_elevation_and_bearing(sky_and_lines) -> None:  # type: ignore[no-untyped-def]
    _, lines = sky_and_lines
    line = next(each for each in lines if len(each["detections"]) > 2)
    when = EPOCH + timedelta(microseconds=line["time_unix_ns"] // 1000)
    (back,) = look_lines([(when, detections(line))], line["fov_half_angle_rad"])
    there = {tuple(np.round(each["los_itrs"], 9)) for each in line["detections"]}
    assert {tuple(np.round(each["los_itrs"], 9)) for each in back["detections"]} == there
    for key in ("sensor_id", "sigma_rad"):
        assert back[key] == line[key]
    for key in ("position_itrs_m", "boresight_itrs"):
        assert back[key] == pytest.approx(line[key])
    assert abs(back["time_unix_ns"] - line["time_unix_ns"]) < 1000


def test_measurement_model_sees_the_body_where_the_detection_is(sky_and_lines) -> None:  # type: ignore[no-untyped-def]
    _, lines = sky_and_lines
    line = next(each for each in lines if each["detections"])
    for detection in detections(line):
        place = np.array(line["position_itrs_m"]) + 1.5e6 * np.array(detection.metadata["los_itrs"])
        state = np.zeros((9, 1))
        state[[0, 3, 6], 0] = place
        seen = detection.measurement_model.function(detection.__class__(state, timestamp=None), noise=False)
        assert [float(each) for each in seen[:, 0]] == pytest.approx([float(e) for e in detection.state_vector[:, 0]])


def test_it_tracks_the_rocket_and_writes_track_lines(sky_and_lines) -> None:  # type: ignore[no-untyped-def]
    sky, lines = sky_and_lines
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    records = [json.loads(json.dumps(record)) for record in run(lines)]
    last_s = float(int(sky.duration_s))
    assigned = assign(read_tracks(records, sky.start_unix_ns), flights.truths, [last_s], 1.0)
    assert assigned.share_tracked == 1.0
    assert assigned.rmse_m() < 500
    sensors = {sensor for record in records for sensor, _ in record["detections"]}
    assert sensors == {sensor.sensor_id for sensor in sky.sensors}
    assert (records[-1]["time_unix_ns"] + LIGHT_NS) % 10**9 == 0
    soup = stone_soup_tracks(records)
    assert {track.id for track in soup} == {record["track_id"] for record in records}
