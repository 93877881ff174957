"""A satellite that compresses its frames, before a real ground station."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from plumewatch.v1 import detection_pb2, frame_pb2, ground_station_pb2
from sat_emulator.downlink.config import DownlinkConfig
from sat_emulator.downlink.encode import encode
from sat_emulator.downlink.link import Link
from sat_emulator.downlink.program import stream
from sat_emulator.downlink.sender import Sender
from sat_emulator.frame import Frame
from services.ground_station.wire import arrival_unix_ns, counts_of, frame_problem, read_frame, unpacked
from services.relay import header
from services.relay.stamp import Stamped
from services.runtime.pixel_codec import codec_named
from services.scenario.model import Downlink, Scenario, Train
from tests.ground_station.station_ends import RUN, StationClient, noise, running_station, with_points
from tests.sat_emulator.downlink import receiver

FRAMES = 4


class PointsSource(receiver.Source):
    """Noise with two points that move."""

    def frame(self, sequence: int) -> Frame:
        plain = super().frame(sequence)
        points = [(30.25 + sequence, 60.5, 900.0), (70.0, 20.75 + sequence, 500.0)]
        counts = with_points(noise(seed=sequence), points)
        return Frame(sequence, plain.exposure_start_unix_ns, plain.readout_end_unix_ns, plain.exposure_s, counts)


async def _detected(station: StationClient, compression: str) -> list[detection_pb2.DetectionBatch]:
    """Return what the station finds in the frames of a satellite that compresses them so."""
    watching = station.stub.WatchDetections(ground_station_pb2.WatchDetectionsRequest())
    await watching.initial_metadata()
    target = f"127.0.0.1:{station.port}"
    config = DownlinkConfig("sat-1", target, RUN)
    link = Link(station.channel, "sat-1", target)
    sender = Sender(config, PointsSource(FRAMES), link, receiver.START_UNIX_NS, codec_named(compression))
    await asyncio.wait_for(sender.run(), 30)
    assert sender.account.as_json()["acknowledged"] == FRAMES
    batches = [(await asyncio.wait_for(watching.read(), 20)).batch for _ in range(FRAMES)]
    watching.cancel()
    return batches


@pytest.mark.parametrize("compression", ["ccsds121", "zstd"])
async def test_same_detections_come_of_compressed_frames(tmp_path: Path, compression: str) -> None:
    if compression == "ccsds121":
        pytest.importorskip("imagecodecs")
    async with running_station(tmp_path / "plain") as station:
        plain = await _detected(station, "none")
    async with running_station(tmp_path / "compressed") as station:
        compressed = await _detected(station, compression)
    assert [len(batch.detections) for batch in plain] == [2] * FRAMES
    assert compressed == plain


async def test_scenario_says_how_the_satellite_compresses() -> None:
    scenario = Scenario("compressed", train=Train(), downlink=Downlink("zstd"))
    relay = receiver.Receiver()
    async with receiver.serving(relay) as port:
        config = DownlinkConfig("sat-1", f"127.0.0.1:{port}")
        assert await stream(config, scenario, lambda: PointsSource(FRAMES), asyncio.Event()) == 0
    assert [frame.pixel_compression for frame in relay.frames] == [frame_pb2.PIXEL_COMPRESSION_ZSTD] * FRAMES


def test_relay_stamps_a_compressed_frame_like_any_other() -> None:
    counts = noise()
    data = encode(Frame(5, 1_000, 2_000, 0.0, counts), "sat-1", RUN, codec_named("zstd"))
    read, passed_on = header.read_header(data)
    assert (read, passed_on is data) == (header.Header(1_000, 2_000, 5), True)
    message = read_frame(Stamped(passed_on, header.FRAME, "relay", ["sat-1"], 70, 77).sent(3))
    assert frame_problem(message) == ""
    np.testing.assert_array_equal(counts_of(unpacked(message)), counts)
    assert arrival_unix_ns(unpacked(message).head) == 77
