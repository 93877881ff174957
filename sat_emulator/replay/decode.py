"""A recorded message as the frame that it was."""

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from plumewatch.v1 import frame_pb2
from sat_emulator.frame import Frame, Pose
from services.geometry.attitude import matrix_from_quaternion
from services.geometry.camera import Camera, Projection
from services.runtime.pixel_codec import CODECS

DTYPES: dict[int, np.dtype[Any]] = {
    frame_pb2.PIXEL_ENCODING_UINT8: np.dtype("u1"),
    frame_pb2.PIXEL_ENCODING_UINT16_LE: np.dtype("<u2"),
    frame_pb2.PIXEL_ENCODING_FLOAT32_LE: np.dtype("<f4"),
}
LENSES: dict[int, Projection] = {
    frame_pb2.PROJECTION_UNSPECIFIED: "unknown",
    frame_pb2.PROJECTION_GNOMONIC: "gnomonic",
    frame_pb2.PROJECTION_EQUIDISTANT: "equidistant",
}


def decode(data: bytes) -> Frame:
    """Return the frame of one serialised `plumewatch.v1.Frame`, decompressed where it is compressed.

    Raises ValueError, which says what contradicts itself in it, and MissingCodecError.
    """
    try:
        message = frame_pb2.Frame.FromString(data)
    except DecodeError as error:
        raise ValueError(f"is no plumewatch.v1.Frame: {error}") from error
    dtype = DTYPES.get(message.pixel_encoding)
    if dtype is None:
        raise ValueError(f"pixel_encoding is {message.pixel_encoding}, which is none of {sorted(DTYPES)}")
    counts = _pixels(message, dtype).reshape(message.rows, message.columns)
    return Frame(
        message.sequence,
        message.exposure_start_unix_ns,
        message.readout_end_unix_ns,
        message.exposure_s,
        counts.astype(dtype.newbyteorder("="), copy=False),
        message.band_lower_m,
        message.band_upper_m,
        _pose(message),
        _camera(message.camera) if message.HasField("camera") else None,
    )


def _pixels(message: frame_pb2.Frame, dtype: np.dtype[Any]) -> NDArray[Any]:
    if message.pixel_compression:
        codec = CODECS.get(message.pixel_compression)
        if codec is None:
            raise ValueError(f"pixel_compression is {message.pixel_compression}, which is none of {sorted(CODECS)}")
        return codec.decode(message.pixels, dtype, message.rows * message.columns)
    expected = message.rows * message.columns * dtype.itemsize
    if expected == 0 or len(message.pixels) != expected:
        raise ValueError(
            f"pixels has {len(message.pixels)} bytes, not the {expected} of {message.rows} x {message.columns} {dtype}"
        )
    return np.frombuffer(message.pixels, dtype)


def _pose(message: frame_pb2.Frame) -> Pose | None:
    if not (message.HasField("position_gcrs_m") and message.HasField("attitude_camera_to_gcrs")):
        return None
    position, velocity, attitude = (
        message.position_gcrs_m,
        message.velocity_gcrs_m_per_s,
        message.attitude_camera_to_gcrs,
    )
    return Pose(
        np.array([position.x, position.y, position.z]),
        np.array([velocity.x, velocity.y, velocity.z]),
        matrix_from_quaternion([attitude.w, attitude.x, attitude.y, attitude.z]),
    )


def _camera(message: frame_pb2.CameraModel) -> Camera:
    return Camera(
        LENSES.get(message.projection, "unknown"),
        message.focal_length_px,
        message.principal_row,
        message.principal_column,
        message.distortion_k1,
        message.distortion_k2,
        message.psf_sigma_px,
        message.radiance_w_per_m2_sr_per_count,
        message.irradiance_w_per_m2_per_count,
    )
