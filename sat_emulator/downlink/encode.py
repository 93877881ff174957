"""A frame as the bytes of one `plumewatch.v1.Frame` message, its pixels copied once or compressed."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from plumewatch.v1 import frame_pb2
from sat_emulator.frame import Frame
from services.geometry.attitude import quaternion_from_matrix
from services.geometry.camera import Camera
from services.runtime.pixel_codec import PixelCodec
from services.runtime.varint import varint

PROJECTIONS = {
    "equidistant": frame_pb2.PROJECTION_EQUIDISTANT,
    "gnomonic": frame_pb2.PROJECTION_GNOMONIC,
    "unknown": frame_pb2.PROJECTION_UNSPECIFIED,
}
# Little-endian, whatever this machine is.
ENCODINGS = {
    np.dtype("u1"): frame_pb2.PIXEL_ENCODING_UINT8,
    np.dtype("<u2"): frame_pb2.PIXEL_ENCODING_UINT16_LE,
    np.dtype("<f4"): frame_pb2.PIXEL_ENCODING_FLOAT32_LE,
}
LENGTH_DELIMITED = 2


def trace_id(run_id: str, satellite_id: str, sequence: int) -> str:
    """Return the id that follows this frame through every log; the same whenever the frame is sent again."""
    return hashlib.blake2b(f"{run_id}/{satellite_id}/{sequence}".encode(), digest_size=16).hexdigest()


def encode(frame: Frame, satellite_id: str, run_id: str, codec: PixelCodec | None = None) -> bytes:
    """Return the frame as it goes on the wire; codec: how its pixels are compressed, None: not at all.

    The pixels, nearly all of the message, are not handed to protobuf, which would copy them twice more: the other
    fields are serialised first and the pixels follow as one length-delimited field (Protocol Buffers, "Encoding").
    """
    message = _head(frame, satellite_id, run_id)
    counts = _little_endian(frame.counts)
    if codec is None:
        pixels = counts.data.cast("B")
    else:
        message.pixel_compression = codec.number
        pixels = memoryview(codec.encode(counts))
    head = message.SerializeToString()
    key = frame_pb2.Frame.DESCRIPTOR.fields_by_name["pixels"].number << 3 | LENGTH_DELIMITED
    return b"".join((head, varint(key), varint(pixels.nbytes), pixels))


def _head(frame: Frame, satellite_id: str, run_id: str) -> frame_pb2.Frame:
    rows, columns = frame.counts.shape
    message = frame_pb2.Frame(
        exposure_start_unix_ns=frame.exposure_start_unix_ns,
        readout_end_unix_ns=frame.readout_end_unix_ns,
        sequence=frame.sequence,
        satellite_id=satellite_id,
        run_id=run_id,
        trace_id=trace_id(run_id, satellite_id, frame.sequence),
        band_lower_m=frame.band_lower_m,
        band_upper_m=frame.band_upper_m,
        exposure_s=frame.exposure_s,
        rows=rows,
        columns=columns,
        pixel_encoding=ENCODINGS[_little_endian_type(frame.counts.dtype)],
    )
    if frame.pose is not None:
        message.position_gcrs_m.CopyFrom(_vector(frame.pose.position_gcrs_m))
        message.velocity_gcrs_m_per_s.CopyFrom(_vector(frame.pose.velocity_gcrs_m_per_s))
        w, x, y, z = (float(part) for part in quaternion_from_matrix(frame.pose.rotation_camera_to_gcrs))
        message.attitude_camera_to_gcrs.CopyFrom(frame_pb2.Quaternion(w=w, x=x, y=y, z=z))
    if frame.camera is not None:
        message.camera.CopyFrom(_camera(frame.camera))
    return message


def _camera(camera: Camera) -> frame_pb2.CameraModel:
    return frame_pb2.CameraModel(
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


def _vector(vector: NDArray[np.float64]) -> frame_pb2.Vector3:
    x, y, z = (float(part) for part in vector)
    return frame_pb2.Vector3(x=x, y=y, z=z)


def _little_endian_type(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    little = dtype.newbyteorder("<")
    if little not in ENCODINGS:
        raise TypeError(f"counts are {dtype}; frames are uint8, uint16 or float32")
    return little


def _little_endian(counts: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the counts contiguous and little-endian; no copy where they are so already."""
    return np.ascontiguousarray(counts, dtype=_little_endian_type(counts.dtype))
