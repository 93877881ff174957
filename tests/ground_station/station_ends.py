"""The ends of a ground station, as real programs: satellites that send, clients that watch, its process to kill."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
from numpy.typing import NDArray

from plumewatch.v1 import detection_pb2, downlink_pb2, frame_pb2, ground_station_pb2_grpc
from services.geometry.attitude import quaternion_from_matrix
from services.ground_station.config import GroundStationConfig
from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.server import serve
from services.runtime.grpc_server import open_channel, wait_until_serving
from tests.ground_station.tracking.sky import Rocket, Sky, Source, fire

SERVICE = "/plumewatch.v1.FrameDownlinkService"
RUN = "run-1"
START_UNIX_NS = 1_782_043_200_000_000_000
PERIOD_NS = 500_000_000
ENCODINGS = {
    "uint8": frame_pb2.PIXEL_ENCODING_UINT8,
    "uint16": frame_pb2.PIXEL_ENCODING_UINT16_LE,
    "float32": frame_pb2.PIXEL_ENCODING_FLOAT32_LE,
}


def noise(rows: int = 96, columns: int = 128, seed: int = 1, dtype: str = "uint16") -> NDArray[Any]:
    """Return counts without anything hot in them."""
    return np.random.default_rng(seed).normal(1000 if dtype != "uint8" else 100, 5, (rows, columns)).astype(dtype)


def with_points(counts: NDArray[Any], points: Iterable[tuple[float, float, float]]) -> NDArray[Any]:
    """Return counts with spots of 0.7 px at (row, column), of so many counts in all."""
    image = counts.astype(np.float64)
    for row, column, amplitude in points:
        top, left = max(int(row) - 4, 0), max(int(column) - 4, 0)
        r, c = np.mgrid[top : min(top + 9, counts.shape[0]), left : min(left + 9, counts.shape[1])]
        spot = np.exp(-((r - row) ** 2 + (c - column) ** 2) / (2 * 0.7**2)) / (2 * np.pi * 0.7**2)
        image[r, c] += amplitude * spot
    return image.astype(counts.dtype)


def frame(sequence: int, counts: NDArray[Any] | None = None, /, satellite_id: str = "sat-1", **fields: Any) -> bytes:
    """Return a frame without geometry; `fields` overwrite."""
    counts = noise(seed=sequence) if counts is None else counts
    start = START_UNIX_NS + sequence * PERIOD_NS
    message = frame_pb2.Frame(
        exposure_start_unix_ns=start,
        readout_end_unix_ns=start + 70_000_000,
        sequence=sequence,
        satellite_id=satellite_id,
        run_id=RUN,
        trace_id=f"{sequence:032x}",
        exposure_s=0.02,
        rows=counts.shape[0],
        columns=counts.shape[1],
        pixel_encoding=ENCODINGS[counts.dtype.name],
        pixels=counts.tobytes(),
    )
    for name, value in fields.items():
        if value is None:
            message.ClearField(name)
        elif hasattr(value, "DESCRIPTOR"):
            getattr(message, name).CopyFrom(value)
        else:
            setattr(message, name, value)
    return message.SerializeToString()


def batch_message(batch: DetectionBatch, run_id: str = RUN) -> detection_pb2.DetectionBatch:
    """Return a batch as a satellite that detects on board would send it."""
    message = detection_pb2.DetectionBatch(
        exposure_start_unix_ns=batch.exposure_start_unix_ns,
        readout_end_unix_ns=batch.readout_end_unix_ns,
        sequence=batch.sequence,
        satellite_id=batch.satellite_id,
        run_id=run_id,
        trace_id=f"{batch.sequence:032x}",
        exposure_s=batch.exposure_s,
        rows=batch.rows,
        columns=batch.columns,
    )
    found = batch.detections
    for k in range(len(found)):
        message.detections.add(
            row=found.row[k],
            column=found.column[k],
            row_variance_px2=found.covariance_px2[k, 0],
            row_column_covariance_px2=found.covariance_px2[k, 1],
            column_variance_px2=found.covariance_px2[k, 2],
            snr=found.snr[k],
            score=found.score[k],
            amplitude_counts=found.amplitude_counts[k],
            area_px=int(found.area_px[k]),
        )
    assert batch.geometry is not None
    geometry = batch.geometry
    for field, vector in (
        ("position_gcrs_m", geometry.position_gcrs_m),
        ("velocity_gcrs_m_per_s", geometry.velocity_gcrs_m_per_s),
    ):
        x, y, z = (float(part) for part in vector)
        getattr(message, field).CopyFrom(frame_pb2.Vector3(x=x, y=y, z=z))
    w, x, y, z = (float(part) for part in quaternion_from_matrix(geometry.rotation_camera_to_gcrs))
    message.attitude_camera_to_gcrs.CopyFrom(frame_pb2.Quaternion(w=w, x=x, y=y, z=z))
    camera = geometry.camera
    message.camera.CopyFrom(
        frame_pb2.CameraModel(
            projection=frame_pb2.PROJECTION_EQUIDISTANT,
            focal_length_px=camera.focal_length_px,
            principal_row=camera.principal_row,
            principal_column=camera.principal_column,
            irradiance_w_per_m2_per_count=camera.irradiance_w_per_m2_per_count,
        )
    )
    return message


def launch_and_fire(duration_s: float = 40.0, rate_hz: float = 2.0) -> list[detection_pb2.DetectionBatch]:
    """Return what four satellites detect of a rocket and of a fire, instant after instant."""
    rocket = Rocket(-30.9, 136.5, 315.0, 2.0, height_m=150.0, seen_from_m=1000.0)
    sources = [Source(rocket), Source(fire(-31.9, 136.0))]
    sky = Sky(-30.9, 136.5, sources, duration_s=duration_s, rate_hz=rate_hz)
    return [batch_message(batch) for batch in sky.batches()]


def by_satellite(batches: Iterable[detection_pb2.DetectionBatch]) -> dict[str, list[bytes]]:
    """Return the batches of each satellite, serialised, in order."""
    streams: dict[str, list[bytes]] = {}
    for batch in batches:
        streams.setdefault(batch.satellite_id, []).append(batch.SerializeToString())
    return streams


class Sender:
    """One satellite's open stream."""

    def __init__(
        self, channel: grpc.aio.Channel, satellite_id: str = "sat-1", run_id: str = RUN, method: str = "DownlinkFrames"
    ) -> None:
        metadata = (("plumewatch-satellite-id", satellite_id), ("plumewatch-run-id", run_id))
        self.call: Any = channel.stream_stream(f"{SERVICE}/{method}")(metadata=metadata)
        self.losses: list[downlink_pb2.FrameLoss] = []
        self.acknowledged = -1

    async def first(self) -> int:
        """Read the first answer; return the last acknowledged sequence number, -1 for none."""
        await self.answer()
        return self.acknowledged

    async def answer(self) -> bool:
        """Read one answer; False: the stream ended in good order."""
        data = await asyncio.wait_for(self.call.read(), 20)
        if not isinstance(data, bytes):
            return False
        answer = downlink_pb2.DownlinkFramesResponse.FromString(data)
        if answer.HasField("acknowledged_sequence"):
            assert answer.acknowledged_sequence >= self.acknowledged
            self.acknowledged = answer.acknowledged_sequence
        self.losses += answer.losses
        return True

    async def send(self, *messages: bytes) -> None:
        for message in messages:
            await self.call.write(message)

    async def until(self, sequence: int) -> None:
        """Read answers until `sequence` is acknowledged."""
        while self.acknowledged < sequence:
            assert await self.answer(), "the stream ended"

    async def finish(self) -> None:
        """Say that no more will come, and read all answers."""
        await self.call.done_writing()
        while await self.answer():
            pass


@dataclass
class StationClient:
    """A running station as its clients see it."""

    port: int
    channel: grpc.aio.Channel
    stub: Any
    stop: asyncio.Event


@contextlib.asynccontextmanager
async def running_station(state_dir: Path, broker: str = "", **config: Any) -> AsyncIterator[StationClient]:
    """Have a ground station in this process, on a port of its own."""
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    whole = GroundStationConfig(**{"listen": "127.0.0.1:0", "state_dir": state_dir, "broker": broker, **config})
    serving = asyncio.create_task(serve(whole, stop, port.set_result))
    await asyncio.wait((serving, port), return_when=asyncio.FIRST_COMPLETED)
    if not port.done():
        await serving
    try:
        async with open_channel(f"127.0.0.1:{port.result()}") as channel:
            stub: Any = ground_station_pb2_grpc.GroundStationServiceStub(channel)  # type: ignore[no-untyped-call]
            yield StationClient(port.result(), channel, stub, stop)
    finally:
        stop.set()
        assert await asyncio.wait_for(serving, 30) == 0


class StationProcess:
    """A ground station as the command starts it, to be killed and started again."""

    def __init__(self, state_dir: Path, port: int, broker: str, *options: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self.log = state_dir / "station.log"
        self._command = [sys.executable, "-m", "services.cli", "ground-station", "--listen", self.address]
        self._command += ["--state-dir", str(state_dir), "--broker", broker, *options]
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*self._command, stdout=log, stderr=log)
        assert await wait_until_serving(self.address, "plumewatch.v1.GroundStationService", 60), self.log.read_text()

    async def end(self, by: signal.Signals = signal.SIGKILL) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(by)
        return await asyncio.wait_for(self.process.wait(), 30)


# How a call ends whose server was killed or took a newer stream. INTERNAL is what gRPC's core says of a write in the
# very instant at which the connection dies; satellites try again after it, too.
GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL)


async def send_all(
    address: str, satellite_id: str, messages: list[bytes], method: str = "DownlinkDetections", pause_s: float = 0.0
) -> list[downlink_pb2.FrameLoss]:
    """Send messages 0 to n-1 until all are settled, whatever happens to the station; return the losses named."""
    deadline = time.monotonic() + 500
    losses: dict[int, downlink_pb2.FrameLoss] = {}
    while True:
        async with open_channel(address) as channel:
            sender = Sender(channel, satellite_id, method=method)
            try:
                await _send_rest(sender, messages, pause_s)
                return [*losses.values(), *sender.losses]
            except grpc.aio.AioRpcError as error:
                if error.code() not in GONE:
                    raise
                if time.monotonic() > deadline:
                    raise
            finally:
                losses.update((loss.first_sequence, loss) for loss in sender.losses)
        await asyncio.sleep(0.1)


async def _send_rest(sender: Sender, messages: list[bytes], pause_s: float) -> None:
    first = await sender.first() + 1

    async def write() -> None:
        for message in messages[first:]:
            try:
                await sender.call.write(message)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                # Reading says why.
                return
            await asyncio.sleep(pause_s)

    writing = asyncio.create_task(write())
    try:
        while sender.acknowledged < len(messages) - 1:
            if not await sender.answer():
                raise AssertionError("the stream ended in good order before all was settled")
        await writing
        await sender.finish()
    finally:
        writing.cancel()
