"""Frames and detection batches between the wire and the dataclasses that the numerical rooms work on.

A frame's pixels are most of its bytes, and protobuf would copy them twice. `read_frame` finds them in the message,
hands protobuf the rest, and leaves them where they are. Compressed ones lie there until `unpacked`.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from plumewatch.v1 import detection_pb2, frame_pb2
from services.geometry.attitude import matrix_from_quaternion
from services.geometry.camera import Camera, Projection
from services.ground_station.detection_batch import DetectionBatch, Detections, Geometry
from services.runtime.pixel_codec import CODECS

Counts = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

DTYPES: dict[int, np.dtype[Any]] = {
    frame_pb2.PIXEL_ENCODING_UINT8: np.dtype("u1"),
    frame_pb2.PIXEL_ENCODING_UINT16_LE: np.dtype("<u2"),
    frame_pb2.PIXEL_ENCODING_FLOAT32_LE: np.dtype("<f4"),
}
PROJECTIONS: dict[int, Projection] = {
    frame_pb2.PROJECTION_UNSPECIFIED: "unknown",
    frame_pb2.PROJECTION_EQUIDISTANT: "equidistant",
    frame_pb2.PROJECTION_GNOMONIC: "gnomonic",
}
_PIXELS = frame_pb2.Frame.PIXELS_FIELD_NUMBER
# Wire types (protobuf encoding guide): varint, 8 bytes, length-delimited, 4 bytes.
_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5


@dataclass(frozen=True)
class FrameMessage:
    """A frame as it came: everything but its pixels, parsed; the pixels where they lie in the message."""

    head: frame_pb2.Frame
    pixels: memoryview


def read_frame(data: bytes) -> FrameMessage:
    """Return the frame in `data`. Raises DecodeError for bytes that are no Frame."""
    spans = _pixel_spans(data)
    if not spans:
        return FrameMessage(frame_pb2.Frame.FromString(data), memoryview(b""))
    rest, at = [], 0
    for field_start, _, end in spans:
        rest.append(data[at:field_start])
        at = end
    rest.append(data[at:])
    # Where a field comes twice, the later one counts.
    _, start, end = spans[-1]
    return FrameMessage(frame_pb2.Frame.FromString(b"".join(rest)), memoryview(data)[start:end])


def _pixel_spans(data: bytes) -> list[tuple[int, int, int]]:
    """Return (start of the field, start of its bytes, their end) for each `pixels` field of the message."""
    spans = []
    at, size = 0, len(data)
    while at < size:
        start = at
        key, at = _varint(data, at)
        wire_type = key & 7
        if wire_type == _VARINT:
            _, at = _varint(data, at)
        elif wire_type == _I64:
            at += 8
        elif wire_type == _I32:
            at += 4
        elif wire_type == _LEN:
            length, at = _varint(data, at)
            if key >> 3 == _PIXELS:
                spans.append((start, at, at + length))
            at += length
        else:
            raise DecodeError(f"wire type {wire_type} at byte {start}")
    if at > size:
        raise DecodeError(f"cut off: {size} bytes of at least {at}")
    return spans


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise DecodeError(f"cut off or too long a number at byte {at}")


def frame_problem(message: FrameMessage) -> str:
    """Return what makes the frame unusable, with its value and the remedy; empty: nothing does.

    Of compressed pixels, `unpacked` tells the rest.
    """
    head = message.head
    problem = _header_problem(head) or _pose_problem(head)
    if problem:
        return problem
    dtype = DTYPES.get(head.pixel_encoding)
    if dtype is None:
        return f"pixel_encoding is {head.pixel_encoding}; set UINT8, UINT16_LE or FLOAT32_LE"
    if head.pixel_compression:
        if head.pixel_compression in CODECS:
            return ""
        known = ", ".join(f"{number} ({codec.name})" for number, codec in CODECS.items())
        return f"pixel_compression is {head.pixel_compression}; this station knows {known}"
    wanted = head.rows * head.columns * dtype.itemsize
    if len(message.pixels) != wanted:
        return (
            f"pixels has {len(message.pixels)} bytes and rows x columns ({head.rows} x {head.columns}, "
            f"{dtype.itemsize} bytes each) are {wanted}; send every pixel once"
        )
    return ""


def unpacked(message: FrameMessage) -> FrameMessage:
    """Return the frame as it would have come without compression. `frame_problem` must have found none.

    Raises ValueError, which says why, where the pixels are not what the frame says; MissingCodecError.
    """
    head = frame_pb2.Frame()
    head.CopyFrom(message.head)
    head.ClearField("pixel_compression")
    codec, dtype = CODECS[message.head.pixel_compression], DTYPES[head.pixel_encoding]
    return FrameMessage(head, codec.decode(message.pixels, dtype, head.rows * head.columns).data.cast("B"))


def batch_problem(message: detection_pb2.DetectionBatch) -> str:
    """Return what makes a batch detected elsewhere unusable; empty: nothing does."""
    problem = _header_problem(message) or _pose_problem(message)
    if problem:
        return problem
    for index, hot in enumerate(message.detections):
        finite = (hot.row, hot.column, hot.snr, hot.score, hot.amplitude_counts, *_covariance(hot))
        if not all(map(math.isfinite, finite)):
            return f"detections[{index}] is not finite; leave it out"
        if not (-1 <= hot.row <= message.rows and -1 <= hot.column <= message.columns):
            return (
                f"detections[{index}] at row {hot.row:g}, column {hot.column:g} lies outside "
                f"{message.rows} x {message.columns} pixels"
            )
        row, both, column = _covariance(hot)
        if row < 0 or column < 0 or both * both > row * column * (1 + 1e-9):
            return f"detections[{index}] has no covariance: {row:g}, {both:g}, {column:g}; variances must be >= 0"
    return ""


def _header_problem(head: frame_pb2.Frame | detection_pb2.DetectionBatch) -> str:
    for name in ("exposure_start_unix_ns", "readout_end_unix_ns", "sequence"):
        if not head.HasField(name):
            return f"{name} is not set; it must be, zero included"
    if head.readout_end_unix_ns <= head.exposure_start_unix_ns:
        return (
            f"readout_end_unix_ns {head.readout_end_unix_ns} is not later than exposure_start_unix_ns "
            f"{head.exposure_start_unix_ns}; both are nanoseconds of UTC since 1970"
        )
    if max(head.readout_end_unix_ns, head.sequence) >= 1 << 63:
        return f"readout_end_unix_ns {head.readout_end_unix_ns}, sequence {head.sequence}: must be below 2^63"
    if head.rows == 0 or head.columns == 0:
        return f"rows x columns is {head.rows} x {head.columns}; both must be above 0"
    longest_s = (head.readout_end_unix_ns - head.exposure_start_unix_ns) / 1e9
    if not 0 <= head.exposure_s <= longest_s + 1e-6:
        return f"exposure_s is {head.exposure_s:g}; it must be 0 (unknown) to {longest_s:g}, exposure start to read-out"
    return ""


def _pose_problem(head: frame_pb2.Frame | detection_pb2.DetectionBatch) -> str:
    for name in ("position_gcrs_m", "velocity_gcrs_m_per_s"):
        if head.HasField(name):
            vector = getattr(head, name)
            if not all(map(math.isfinite, (vector.x, vector.y, vector.z))):
                return f"{name} is ({vector.x:g}, {vector.y:g}, {vector.z:g}); leave it out where it is not known"
    if head.HasField("position_gcrs_m"):
        radius = math.dist((head.position_gcrs_m.x, head.position_gcrs_m.y, head.position_gcrs_m.z), (0, 0, 0))
        # From the deepest place a camera could stand to beyond the Moon.
        if not 6.3e6 <= radius <= 1e9:
            return f"position_gcrs_m lies {radius:g} m from the Earth's centre; metres, GCRS"
    if head.HasField("attitude_camera_to_gcrs"):
        q = head.attitude_camera_to_gcrs
        length = math.hypot(q.w, q.x, q.y, q.z)
        # A unit quaternion of any sane precision; anything else is another quantity.
        if not 0.99 < length < 1.01:
            return f"attitude_camera_to_gcrs has length {length:g}, not 1; leave it out where it is not known"
    return _camera_problem(head.camera) if head.HasField("camera") else ""


def _camera_problem(camera: frame_pb2.CameraModel) -> str:
    for field, value in camera.ListFields():
        if isinstance(value, float) and not math.isfinite(value):
            return f"camera.{field.name} is {value:g}; leave it out where it is not known"
    if camera.projection not in PROJECTIONS:
        return f"camera.projection is {camera.projection}; this station knows {sorted(PROJECTIONS)}"
    if camera.projection != frame_pb2.PROJECTION_UNSPECIFIED and camera.focal_length_px <= 0:
        return f"camera.focal_length_px is {camera.focal_length_px:g} and must be above 0 where projection is set"
    if camera.psf_sigma_px < 0:
        return f"camera.psf_sigma_px is {camera.psf_sigma_px:g}; 0 is unknown, negative is nothing"
    return ""


def counts_of(message: FrameMessage) -> Counts:
    """Return the pixels as (rows, columns), read-only, in place: no copy.

    `frame_problem` must have found none, and compressed pixels must be `unpacked`.
    """
    head = message.head
    counts: Counts = np.frombuffer(message.pixels, DTYPES[head.pixel_encoding])
    return counts.reshape(head.rows, head.columns)


def batch_message(message: FrameMessage, detections: Detections) -> detection_pb2.DetectionBatch:
    """Return the frame's detections as they go to the archive, to watchers and, read back, to the tracker."""
    head = message.head
    batch = detection_pb2.DetectionBatch(
        exposure_start_unix_ns=head.exposure_start_unix_ns,
        readout_end_unix_ns=head.readout_end_unix_ns,
        sequence=head.sequence,
        satellite_id=head.satellite_id,
        run_id=head.run_id,
        trace_id=head.trace_id,
        exposure_s=head.exposure_s,
        rows=head.rows,
        columns=head.columns,
        hops=head.hops,
    )
    for name in ("position_gcrs_m", "velocity_gcrs_m_per_s", "attitude_camera_to_gcrs", "camera"):
        if head.HasField(name):
            getattr(batch, name).CopyFrom(getattr(head, name))
    _put_detections(batch, detections, head.camera.irradiance_w_per_m2_per_count)
    return batch


def batch_from_message(message: detection_pb2.DetectionBatch) -> DetectionBatch:
    """Return the batch for the tracker. `batch_problem` must have found none."""
    found = message.detections
    rows = np.array(
        [(d.row, d.column, *_covariance(d), d.snr, d.score or d.snr, d.amplitude_counts, d.area_px) for d in found],
        dtype=np.float64,
    ).reshape(-1, 9)
    return DetectionBatch(
        run_id=message.run_id,
        satellite_id=message.satellite_id,
        sequence=message.sequence,
        exposure_start_unix_ns=message.exposure_start_unix_ns,
        readout_end_unix_ns=message.readout_end_unix_ns,
        exposure_s=message.exposure_s,
        rows=message.rows,
        columns=message.columns,
        detections=Detections(
            row=rows[:, 0].copy(),
            column=rows[:, 1].copy(),
            covariance_px2=rows[:, 2:5].copy(),
            snr=rows[:, 5].copy(),
            score=rows[:, 6].copy(),
            amplitude_counts=rows[:, 7].copy(),
            area_px=rows[:, 8].astype(np.int64),
            left_out=message.detections_left_out,
            reason=message.reason,
            threshold_snr=message.threshold_snr,
        ),
        geometry=geometry_of(message),
        arrival_unix_ns=arrival_unix_ns(message),
        trace_id=message.trace_id,
    )


def arrival_unix_ns(message: frame_pb2.Frame | detection_pb2.DetectionBatch) -> int:
    """Return the modelled arrival after the last hop, emulated UTC; 0: no network model was on the way."""
    return message.hops[-1].modelled_arrival_unix_ns if message.hops else 0


def _put_detections(message: detection_pb2.DetectionBatch, detections: Detections, irradiance_per_count: float) -> None:
    columns = (
        detections.row,
        detections.column,
        detections.covariance_px2[:, 0],
        detections.covariance_px2[:, 1],
        detections.covariance_px2[:, 2],
        detections.snr,
        detections.score,
        detections.amplitude_counts,
        detections.area_px,
    )
    add = message.detections.add
    for row, column, rr, rc, cc, snr, score, amplitude, area in zip(*(c.tolist() for c in columns), strict=True):
        add(
            row=row,
            column=column,
            row_variance_px2=rr,
            row_column_covariance_px2=rc,
            column_variance_px2=cc,
            snr=snr,
            score=score,
            amplitude_counts=amplitude,
            irradiance_w_per_m2=amplitude * irradiance_per_count if irradiance_per_count > 0 else None,
            area_px=max(int(area), 0),
        )
    message.detections_left_out = detections.left_out
    message.reason = detections.reason
    message.threshold_snr = detections.threshold_snr


def _covariance(hot: detection_pb2.Detection) -> tuple[float, float, float]:
    return hot.row_variance_px2, hot.row_column_covariance_px2, hot.column_variance_px2


def geometry_of(message: frame_pb2.Frame | detection_pb2.DetectionBatch) -> Geometry | None:
    """Return where the satellite was and looked; None where a part is missing, for then no pixel has a direction."""
    known = all(
        message.HasField(name)
        for name in ("position_gcrs_m", "velocity_gcrs_m_per_s", "attitude_camera_to_gcrs", "camera")
    )
    if not known or message.camera.projection == frame_pb2.PROJECTION_UNSPECIFIED:
        return None
    r, v, q = message.position_gcrs_m, message.velocity_gcrs_m_per_s, message.attitude_camera_to_gcrs
    return Geometry(
        np.array([r.x, r.y, r.z]),
        np.array([v.x, v.y, v.z]),
        matrix_from_quaternion((q.w, q.x, q.y, q.z)),
        _camera(message.camera),
    )


def _camera(camera: frame_pb2.CameraModel) -> Camera:
    return Camera(
        projection=PROJECTIONS[camera.projection],
        focal_length_px=camera.focal_length_px,
        principal_row=camera.principal_row,
        principal_column=camera.principal_column,
        distortion_k1=camera.distortion_k1,
        distortion_k2=camera.distortion_k2,
        psf_sigma_px=camera.psf_sigma_px,
        radiance_w_per_m2_sr_per_count=camera.radiance_w_per_m2_sr_per_count,
        irradiance_w_per_m2_per_count=camera.irradiance_w_per_m2_per_count,
    )
