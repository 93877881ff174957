"""Searches frames in threads, and reduces them to pictures for eyes."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plumewatch.v1 import detection_pb2, ground_station_pb2
from services.ground_station import figures
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.scenes import Scenes
from services.ground_station.stares import Stares
from services.ground_station.wire import Counts, FrameMessage, batch_message, counts_of, geometry_of, unpacked

# Spots outside are searched for as the nearest that the detector takes; pixels.
NARROWEST_PSF_PX, WIDEST_PSF_PX = 0.3, 3.0
# A quick-look has at most so many pixels a side.
PICTURE_SIDE_PX = 512
DARKEST_PERCENT, BRIGHTEST_PERCENT = 1.0, 99.9
# Warming up: large enough for every detector to search it.
WARM_UP_SIDE_PX = 128
# Streams whose thread is remembered; then all are dealt out anew.
MOST_STREAMS = 1000


@dataclass(frozen=True)
class Searched:
    """What was found in one frame, and how long that took."""

    batch: detection_pb2.DetectionBatch
    seconds: float = 0.0


class Search:
    """Threads whose detectors let go of the GIL. Each stream has its thread, in which its frames are searched in turn.

    So a detector's work space is there once, not once a thread.
    """

    def __init__(self, config: DetectionConfig, threads: int) -> None:
        self._detector = Detector(config)
        self._scenes = Scenes(config)
        self._stares = Stares(config, self._detector)
        self._threads = [
            ThreadPoolExecutor(1, thread_name_prefix=f"search-{k}") for k in range(threads or os.cpu_count() or 1)
        ]
        self._thread_of: dict[tuple[str, str], ThreadPoolExecutor] = {}

    async def warm_up(self) -> None:
        """Have everything compiled and loaded before the first frame comes."""
        noise = np.random.default_rng(1).normal(100, 5, (WARM_UP_SIDE_PX, WARM_UP_SIDE_PX))
        frames: list[Counts] = [noise.astype(np.uint8), noise.astype(np.uint16), noise.astype(np.float32)]
        loop = asyncio.get_running_loop()
        for counts in frames:
            await loop.run_in_executor(self._threads[0], self._detector.detect, counts)

    def unpack(self, message: FrameMessage) -> asyncio.Future[FrameMessage]:
        """Return a future of a compressed frame's pixels as they are; it raises what `unpacked` raises."""
        return asyncio.get_running_loop().run_in_executor(self._thread(message), unpacked, message)

    def start(self, message: FrameMessage) -> asyncio.Future[Searched]:
        """Return a future of what is in a frame that `frame_problem` let pass, unpacked.

        It is searched once the frames that came before it on its stream have been.
        """
        return asyncio.get_running_loop().run_in_executor(self._thread(message), self._search, message)

    def start_picture(self, message: FrameMessage) -> asyncio.Future[ground_station_pb2.WatchFramesResponse]:
        """Return a future of the frame's quick-look."""
        return asyncio.get_running_loop().run_in_executor(self._thread(message), quick_look, message)

    def close(self) -> None:
        """Let the threads go; what they search ends first."""
        for thread in self._threads:
            thread.shutdown(wait=True, cancel_futures=True)

    def _thread(self, message: FrameMessage) -> ThreadPoolExecutor:
        """Return the stream's thread; streams take turns."""
        stream = (message.head.run_id, message.head.satellite_id)
        if len(self._thread_of) > MOST_STREAMS:
            self._thread_of.clear()
        return self._thread_of.setdefault(stream, self._threads[len(self._thread_of) % len(self._threads)])

    def _search(self, message: FrameMessage) -> Searched:
        began = time.perf_counter()
        psf_sigma_px = round(message.head.camera.psf_sigma_px, 2)
        if psf_sigma_px:
            psf_sigma_px = min(max(psf_sigma_px, NARROWEST_PSF_PX), WIDEST_PSF_PX)
        counts = counts_of(message)
        if not counts.flags.aligned:
            # Where the pixels begin in the message is chance; numpy copies without the GIL.
            counts = counts.copy()
        geometry = geometry_of(message.head)
        if geometry is None:
            detections = self._scenes.detect(message.head, counts, psf_sigma_px)
        else:
            detections = self._stares.detect(message.head, geometry, counts, psf_sigma_px)
        seconds = time.perf_counter() - began
        figures.SEARCH_S.observe(seconds)
        return Searched(batch_message(message, detections), seconds)


def quick_look(message: FrameMessage) -> ground_station_pb2.WatchFramesResponse:
    """Return the frame as 8 bits, at most 512 pixels a side: the brightest of each square of pixels."""
    head = message.head
    counts = counts_of(message)
    reduction = -(-max(counts.shape) // PICTURE_SIDE_PX)
    reduced = _brightest_of_squares(counts, reduction)
    low, high = np.nanpercentile(_finite(counts), (DARKEST_PERCENT, BRIGHTEST_PERCENT))
    with np.errstate(invalid="ignore"):
        scaled = (reduced.astype(np.float32) - low) * (255.0 / max(high - low, 1e-30))
    picture = np.nan_to_num(np.clip(scaled, 0, 255)).astype(np.uint8)
    return ground_station_pb2.WatchFramesResponse(
        satellite_id=head.satellite_id,
        sequence=head.sequence,
        readout_end_unix_ns=head.readout_end_unix_ns,
        rows=picture.shape[0],
        columns=picture.shape[1],
        pixels=picture.tobytes(),
        reduction=reduction,
    )


def _brightest_of_squares(counts: Counts, side: int) -> NDArray[np.generic]:
    if side == 1:
        return counts
    by_rows = np.fmax.reduceat(counts, np.arange(0, counts.shape[0], side), axis=0)
    reduced: NDArray[np.generic] = np.fmax.reduceat(by_rows, np.arange(0, counts.shape[1], side), axis=1)
    return reduced


def _finite(counts: Counts) -> Counts:
    """Return the values that say something; one zero where none does."""
    if counts.dtype.kind != "f":
        return counts
    finite = counts[np.isfinite(counts)]
    return finite if finite.size else np.zeros(1, dtype=np.float32)
