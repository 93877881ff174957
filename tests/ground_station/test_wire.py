"""Frames and batches between the wire and arrays."""

import contextlib
import math
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from plumewatch.v1 import detection_pb2, frame_pb2
from services.geometry.attitude import quaternion_from_matrix
from services.ground_station.detection_batch import Detections
from services.ground_station.wire import (
    arrival_unix_ns,
    batch_from_message,
    batch_message,
    batch_problem,
    counts_of,
    frame_problem,
    geometry_of,
    read_frame,
    unpacked,
)
from services.runtime.pixel_codec import CODECS, codec_named
from tests.ground_station import station_ends
from tests.ground_station.station_ends import launch_and_fire, noise


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pixels_come_through_as_they_were(dtype: str) -> None:
    counts = noise(20, 30, dtype=dtype)
    message = read_frame(station_ends.frame(3, counts))
    assert frame_problem(message) == ""
    read = counts_of(message)
    assert read.dtype == counts.dtype
    np.testing.assert_array_equal(read, counts)


def test_pixels_are_not_copied() -> None:
    data = station_ends.frame(3)
    message = read_frame(data)
    assert message.pixels.obj is data
    assert np.shares_memory(counts_of(message), np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("number", CODECS)
def test_compressed_pixels_come_through_as_they_were(number: int, dtype: str) -> None:
    if CODECS[number].name == "ccsds121":
        pytest.importorskip("imagecodecs")
    counts = noise(20, 30, dtype=dtype)
    data = station_ends.frame(3, counts, pixel_compression=number, pixels=CODECS[number].encode(counts))
    packed = read_frame(data)
    assert frame_problem(packed) == ""
    message = unpacked(packed)
    assert frame_problem(message) == ""
    assert message.head == read_frame(station_ends.frame(3, counts)).head
    np.testing.assert_array_equal(counts_of(message), counts)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"rows": 19}, "zstd frame of 1200 bytes and rows x columns are 1140"),
        (
            {"rows": 0xFFFF_FFFF, "columns": 0xFFFF_FFFF},
            "compressed pixels state 36893488130239234050 bytes; 1 to 67108",
        ),
        ({"pixels": b"nothing of the kind"}, "pixels are no zstd frame"),
        ({"pixels": None}, "pixels are no zstd frame"),
    ],
)
def test_what_cannot_be_unpacked_is_said(fields: dict[str, Any], says: str) -> None:
    codec = codec_named("zstd")
    assert codec is not None
    counts = noise(20, 30)
    sent = {"pixel_compression": codec.number, "pixels": codec.encode(counts), **fields}
    message = read_frame(station_ends.frame(3, counts, **sent))
    assert frame_problem(message) == ""
    with pytest.raises(ValueError, match=says):
        unpacked(message)


def test_stamp_appended_behind_the_pixels_is_read() -> None:
    hops = frame_pb2.Frame(hops=[frame_pb2.NetworkHop(node="relay", modelled_arrival_unix_ns=77)]).SerializeToString()
    message = read_frame(station_ends.frame(3) + hops)
    assert arrival_unix_ns(message.head) == 77
    assert frame_problem(message) == ""
    assert not message.head.pixels


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_reads_what_protobuf_reads(data: Any) -> None:
    parts = data.draw(
        st.lists(
            st.builds(
                frame_pb2.Frame,
                sequence=st.one_of(st.none(), st.integers(0, 2**64 - 1)),
                satellite_id=st.text(max_size=5),
                rows=st.integers(0, 2**32 - 1),
                exposure_s=st.floats(allow_nan=False),
                pixels=st.binary(max_size=300),
                hops=st.lists(st.builds(frame_pb2.NetworkHop, node=st.text(max_size=3)), max_size=2),
            ),
            max_size=3,
        )
    )
    whole = b"".join(part.SerializeToString() for part in parts)
    wanted = frame_pb2.Frame.FromString(whole)
    read = read_frame(whole)
    assert bytes(read.pixels) == wanted.pixels
    wanted.ClearField("pixels")
    assert read.head == wanted


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 40))
def test_rubbish_raises_decode_error_and_nothing_else(rubbish: bytes, keep: int) -> None:
    for data in (rubbish, station_ends.frame(1, noise(4, 4))[:keep] + rubbish):
        with contextlib.suppress(DecodeError):
            frame_problem(read_frame(data))


def test_cut_off_frame_is_no_frame() -> None:
    with pytest.raises(DecodeError):
        read_frame(station_ends.frame(1)[:-10])


POSE: dict[str, Any] = {"position_gcrs_m": frame_pb2.Vector3(x=7.4e6)}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"rows": 95}, "pixels has"),
        ({"pixels": b"123"}, "pixels has 3 bytes"),
        ({"rows": 0}, "rows x columns is 0"),
        ({"pixel_encoding": None}, "pixel_encoding is 0"),
        ({"pixel_compression": 9}, "pixel_compression is 9; this station knows 1 (ccsds121), 2 (zstd)"),
        ({"readout_end_unix_ns": None}, "readout_end_unix_ns is not set"),
        ({"exposure_start_unix_ns": None}, "exposure_start_unix_ns is not set"),
        ({"sequence": None}, "sequence is not set"),
        ({"readout_end_unix_ns": 5}, "not later than exposure_start"),
        ({"readout_end_unix_ns": 1 << 63}, "below 2^63"),
        ({"exposure_s": math.nan}, "exposure_s is nan"),
        ({"exposure_s": 100.0}, "exposure_s is 100"),
        ({"position_gcrs_m": frame_pb2.Vector3(x=math.nan)}, "position_gcrs_m is (nan"),
        ({"position_gcrs_m": frame_pb2.Vector3(x=7400.0)}, "lies 7400 m from the Earth's centre"),
        ({"velocity_gcrs_m_per_s": frame_pb2.Vector3(y=math.inf)}, "velocity_gcrs_m_per_s is (0, inf"),
        ({"attitude_camera_to_gcrs": frame_pb2.Quaternion(w=math.nan)}, "length nan"),
        ({"attitude_camera_to_gcrs": frame_pb2.Quaternion()}, "length 0"),
        ({"camera": frame_pb2.CameraModel(principal_row=math.nan)}, "camera.principal_row is nan"),
        ({"camera": frame_pb2.CameraModel(projection=frame_pb2.PROJECTION_EQUIDISTANT)}, "focal_length_px is 0"),
        ({"camera": frame_pb2.CameraModel.FromString(b"\x08\x09")}, "camera.projection is 9"),
        ({"camera": frame_pb2.CameraModel(psf_sigma_px=-1)}, "psf_sigma_px is -1"),
    ],
)
def test_problem_names_field_value_and_remedy(fields: dict[str, Any], says: str) -> None:
    assert says in frame_problem(read_frame(station_ends.frame(1, **{**POSE, **fields})))


def sky_frame(sky: detection_pb2.DetectionBatch) -> bytes:
    """Return a frame taken where and when this batch was."""
    return station_ends.frame(
        0,
        exposure_start_unix_ns=sky.exposure_start_unix_ns,
        readout_end_unix_ns=sky.readout_end_unix_ns,
        position_gcrs_m=sky.position_gcrs_m,
        velocity_gcrs_m_per_s=sky.velocity_gcrs_m_per_s,
        attitude_camera_to_gcrs=sky.attitude_camera_to_gcrs,
        camera=sky.camera,
    )


def test_detections_and_geometry_come_back_as_they_went() -> None:
    sky = launch_and_fire(2.0)[0]
    message = read_frame(sky_frame(sky))
    assert frame_problem(message) == ""
    found = Detections(
        row=np.array([1.25, 3.5]),
        column=np.array([2.0, 7.0]),
        covariance_px2=np.array([[0.1, 0.01, 0.2], [0.3, 0.0, 0.3]]),
        snr=np.array([20.0, 8.0]),
        score=np.array([21.0, 9.0]),
        amplitude_counts=np.array([500.0, 90.0]),
        area_px=np.array([5, 4]),
        left_out=3,
        threshold_snr=4.9,
    )
    sent = detection_pb2.DetectionBatch.FromString(batch_message(message, found).SerializeToString())
    assert batch_problem(sent) == ""
    assert sent.detections[0].irradiance_w_per_m2 == pytest.approx(500e-12)
    batch = batch_from_message(sent)
    for name in ("row", "column", "covariance_px2", "snr", "score", "amplitude_counts", "area_px"):
        np.testing.assert_array_equal(getattr(batch.detections, name), getattr(found, name))
    assert (batch.detections.left_out, batch.detections.threshold_snr) == (3, 4.9)
    assert batch.geometry is not None
    q = sky.attitude_camera_to_gcrs
    np.testing.assert_allclose(
        quaternion_from_matrix(batch.geometry.rotation_camera_to_gcrs), [q.w, q.x, q.y, q.z], atol=1e-12
    )
    assert batch.geometry.camera.projection == "equidistant"


@pytest.mark.parametrize("missing", ["camera", "projection", "attitude_camera_to_gcrs", "position_gcrs_m"])
def test_without_lens_attitude_or_place_there_is_no_geometry(missing: str) -> None:
    message = read_frame(sky_frame(launch_and_fire(2.0)[0]))
    assert geometry_of(message.head) is not None
    message.head.camera.ClearField("projection") if missing == "projection" else message.head.ClearField(missing)
    assert geometry_of(message.head) is None
    nothing = Detections(*(np.empty(0),) * 2, np.empty((0, 3)), *(np.empty(0),) * 4)  # type: ignore[arg-type]
    assert batch_from_message(batch_message(message, nothing)).geometry is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"row": math.nan}, "detections[1] is not finite"),
        ({"row": 5000.0}, "lies outside"),
        ({"row_variance_px2": -1.0}, "has no covariance"),
        ({"row_column_covariance_px2": 9.0}, "has no covariance"),
    ],
)
def test_batch_detected_elsewhere_is_checked(fields: dict[str, float], says: str) -> None:
    batch = launch_and_fire(2.0)[0]
    batch.detections.add(row=1.0, column=1.0, snr=9.0, row_variance_px2=0.1, column_variance_px2=0.1)
    assert batch_problem(batch) == ""
    del batch.detections[2:]
    while len(batch.detections) < 2:
        batch.detections.add(row=1.0, column=1.0, snr=9.0, row_variance_px2=0.1, column_variance_px2=0.1)
    for name, value in fields.items():
        setattr(batch.detections[1], name, value)
    assert says in batch_problem(batch)
