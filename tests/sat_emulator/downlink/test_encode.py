import numpy as np
import pytest

from plumewatch.v1 import frame_pb2
from sat_emulator.downlink.encode import encode, trace_id
from sat_emulator.frame import Frame, Pose
from services.geometry.camera import Camera
from services.runtime.pixel_codec import codec_named


def _frame(counts: np.ndarray, sequence: int = 7) -> Frame:
    half = np.sqrt(0.5)
    turn = np.array([[half, -half, 0.0], [half, half, 0.0], [0.0, 0.0, 1.0]])
    return Frame(
        sequence,
        1_000,
        2_000,
        0.02,
        counts,
        2.69e-6,
        2.95e-6,
        Pose(np.array([7e6, 1.0, -2.0]), np.array([0.0, 7.5e3, 3.0]), turn),
        Camera("equidistant", 1000.0, 511.5, 510.5, 0.01, -0.002, 0.6, 1e-3, 2e-14),
    )


@pytest.mark.parametrize(
    ("dtype", "encoding"),
    [
        ("u1", frame_pb2.PIXEL_ENCODING_UINT8),
        ("<u2", frame_pb2.PIXEL_ENCODING_UINT16_LE),
        (">u2", frame_pb2.PIXEL_ENCODING_UINT16_LE),
        ("<f4", frame_pb2.PIXEL_ENCODING_FLOAT32_LE),
    ],
)
def test_message_parses_to_what_was_encoded(dtype: str, encoding: int) -> None:
    counts = np.random.default_rng(1).integers(0, 250, (33, 70)).astype(dtype)
    message = frame_pb2.Frame.FromString(encode(_frame(counts), "sat-1", "run-1"))
    assert (message.rows, message.columns, message.pixel_encoding) == (33, 70, encoding)
    little = np.frombuffer(message.pixels, np.dtype(dtype).newbyteorder("<")).reshape(33, 70)
    np.testing.assert_array_equal(little, counts)
    assert (message.satellite_id, message.run_id, message.sequence) == ("sat-1", "run-1", 7)
    assert message.camera.projection == frame_pb2.PROJECTION_EQUIDISTANT
    assert message.camera.irradiance_w_per_m2_per_count == 2e-14
    assert message.velocity_gcrs_m_per_s.y == 7.5e3
    # A turn by 45 degrees about z.
    assert message.attitude_camera_to_gcrs.w == pytest.approx(np.cos(np.pi / 8))
    assert message.attitude_camera_to_gcrs.z == pytest.approx(np.sin(np.pi / 8))


def test_bytes_are_those_that_protobuf_itself_would_write() -> None:
    data = encode(_frame(np.arange(4096, dtype=np.uint16).reshape(64, 64)), "sat-1", "run-1")
    assert frame_pb2.Frame.FromString(data).SerializeToString() == data


def test_relay_finds_the_three_fields_it_reads_at_fixed_places_even_when_they_are_zero() -> None:
    counts = np.zeros((64, 64), np.uint8)
    data = encode(Frame(0, 0, 1, 0.0, counts), "sat-1", "run-1")
    assert (data[0], data[9], data[18]) == (0x09, 0x11, 0x19)


@pytest.mark.parametrize("dtype", ["u1", ">u2", "<f4"])
@pytest.mark.parametrize("name", ["ccsds121", "zstd"])
def test_compressed_frame_differs_in_its_pixels_and_in_how_they_are_packed_alone(name: str, dtype: str) -> None:
    if name == "ccsds121":
        pytest.importorskip("imagecodecs")
    codec = codec_named(name)
    assert codec is not None
    frame = _frame(np.random.default_rng(1).normal(120, 3, (70, 33)).astype(dtype).T)
    data = encode(frame, "sat-1", "run-1", codec)
    assert (data[0], data[9], data[18]) == (0x09, 0x11, 0x19)
    message = frame_pb2.Frame.FromString(data)
    assert message.pixel_compression == codec.number
    little = np.dtype(dtype).newbyteorder("<")
    pixels = codec.decode(message.pixels, little, 33 * 70)
    assert len(message.pixels) < pixels.nbytes
    message.pixels = pixels.tobytes()
    message.ClearField("pixel_compression")
    assert message == frame_pb2.Frame.FromString(encode(frame, "sat-1", "run-1"))


def test_frame_of_an_unknown_camera_carries_neither_pose_nor_camera() -> None:
    message = frame_pb2.Frame.FromString(encode(Frame(0, 0, 1, 0.0, np.zeros((64, 64), np.uint8)), "a", "r"))
    assert not message.HasField("camera")
    assert not message.HasField("position_gcrs_m")
    assert not message.HasField("attitude_camera_to_gcrs")


def test_strided_image_is_sent_row_after_row() -> None:
    counts = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64).T
    message = frame_pb2.Frame.FromString(encode(Frame(0, 0, 1, 0.0, counts), "a", "r"))
    np.testing.assert_array_equal(np.frombuffer(message.pixels, "<u2").reshape(64, 64), counts)


def test_counts_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError, match="counts are int64"):
        encode(Frame(0, 0, 1, 0.0, np.zeros((64, 64), np.int64)), "a", "r")  # type: ignore[arg-type]


def test_trace_id_is_the_frames_own_and_never_changes() -> None:
    assert trace_id("run", "sat-1", 4) == trace_id("run", "sat-1", 4)
    assert len({trace_id("run", f"sat-{s}", k) for s in range(4) for k in range(50)}) == 200
    assert len(trace_id("run", "sat-1", 4)) == 32
