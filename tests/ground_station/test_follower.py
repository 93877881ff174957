"""What becomes of a committed batch that its run's tracker refuses: it is kept, left out of tracks, and counted."""

from pathlib import Path

from prometheus_client import REGISTRY

from plumewatch.v1 import detection_pb2
from services.ground_station.alerting import AlertBook, AlertingConfig
from services.ground_station.archive import Archive, Settlement, StreamState
from services.ground_station.follower import Follower
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.sensors import MOST_SENSORS
from tests.ground_station.station_ends import PERIOD_NS, RUN, launch_and_fire


def nothing_seen(satellite_id: str, sequence: int) -> detection_pb2.DetectionBatch:
    """Return a look of some satellite at which it detects nothing."""
    (message,) = launch_and_fire(0.4)[:1]
    del message.detections[:]
    message.satellite_id, message.sequence = satellite_id, sequence
    message.exposure_start_unix_ns += sequence * PERIOD_NS
    message.readout_end_unix_ns += sequence * PERIOD_NS
    return message


def opened(path: Path) -> Follower:
    book = AlertBook(AlertingConfig(), "station-1")
    return Follower(Archive(path), book, TrackingConfig(), lambda _, received_wall_unix_ns: received_wall_unix_ns)


def left_out(satellite_id: str) -> float:
    labels = {"satellite": satellite_id, "cause": "satellite_too_many"}
    return REGISTRY.get_sample_value("plumewatch_station_looks_left_out_total", labels) or 0.0


def test_satellite_too_many_is_left_out_by_name_and_the_rest_is_followed_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite3"
    batches = [nothing_seen(f"many-{number:02}", 0) for number in range(MOST_SENSORS + 1)]
    batches.append(nothing_seen("many-00", 1))
    follower = opened(path)
    for message in batches:
        state = StreamState(message.sequence, message.readout_end_unix_ns, message.sequence + 1, 0, 0)
        settlement = Settlement(RUN, message.satellite_id, state, (), message.SerializeToString())
        (number,) = follower.archive.settle([settlement], 1)
        assert len(follower.follow(number, message, 1, 1)) == 1
    follower.archive.close()
    too_many = f"many-{MOST_SENSORS:02}"
    assert left_out(too_many) == 1
    again = opened(path)
    assert again.restore(RUN) == []
    again.archive.close()
    assert left_out(too_many) == 2
    assert left_out("many-00") == 0
