"""Stone Soup's side: what its detections mean, and its tracker on our looks."""

import json

import numpy as np
import pytest

from bench.tracking.bodies import Flights
from bench.tracking.looks import looks
from bench.tracking.scenarios import Quality, boost
from bench.tracking.stone_soup import LIGHT_NS, run
from bench.tracking.tracks import assign, read_tracks
from services.stack.stone_soup import detections, stone_soup_tracks


@pytest.fixture(scope="module")
def sky_and_lines():  # type: ignore[no-untyped-def]
    sky = boost(9001, 4, "intercontinental_liquid", Quality(rolling=False, clutter_per_look=3.0), seen_s=15.0)
    return sky, [look.line for look in looks(sky, np.random.default_rng(1))]


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
