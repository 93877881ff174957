"""Recorded images and recordings as sources of frames."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plumewatch.v1 import frame_pb2
from sat_emulator.downlink.encode import encode
from sat_emulator.frame import Frame, Pose
from sat_emulator.replay.decode import decode
from sat_emulator.replay.folder import FolderSource, find_sequences
from sat_emulator.replay.open import open_replay
from sat_emulator.replay.recorded import McapSource
from sat_emulator.replay.targets import find_targets, read_targets
from services.geometry.attitude import look_at
from services.geometry.camera import Camera
from services.geometry.time import NS_PER_S
from services.runtime.errors import BadInputError
from services.runtime.pixel_codec import codec_named
from services.runtime.recording import RecordingWriter
from services.scenario.model import Replay

START = 1_782_043_200 * NS_PER_S
POSE = Pose(np.array([7e6, 1.0, 2.0]), np.array([3.0, 7e3, 4.0]), look_at([7e6, 1, 2], [6e6, 1e5, 3], [0, 0, 1]))
CAMERA = Camera("equidistant", 1000.0, 3.5, 4.5, 0.1, -0.2, 0.6, 1e-4, 2e-12)


def _write_image(path: Path, rows: int, columns: int, value: int) -> None:
    Image.fromarray(np.full((rows, columns), value, np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place, value in ((2, 20), (10, 100), (1, 10)):
        _write_image(tmp_path / f"{place}.png", 4, 5 + place, value)
    return tmp_path


def _frame(sequence: int, pose: Pose | None) -> Frame:
    counts = np.random.default_rng(sequence).integers(0, 16384, (8, 10)).astype(np.uint16)
    start = START + sequence * NS_PER_S // 2
    return Frame(sequence, start, start + 70_000_000, 0.02, counts, 2e-6, 3e-6, pose, CAMERA)


def _record(path: Path, satellites: dict[str, Pose | None], frames: int = 6, compression: str = "none") -> None:
    codec = codec_named(compression)
    with RecordingWriter(path, {}) as recording:
        for sequence in range(frames):
            for name, pose in satellites.items():
                frame = _frame(sequence, pose)
                times = (frame.exposure_start_unix_ns, frame.readout_end_unix_ns)
                recording.add_frame(name, encode(frame, name, "run", codec), *times, sequence)


def test_images_come_in_natural_order_at_the_stated_rate(folder: Path) -> None:
    source = FolderSource(folder, 10.0, START, psf_sigma_px=0.8)
    assert len(source) == 3
    frames = [source.frame(sequence) for sequence in range(3)]
    assert [int(frame.counts[0, 0]) for frame in frames] == [10, 20, 100]
    # Frames may change in size.
    assert [frame.counts.shape for frame in frames] == [(4, 6), (4, 7), (4, 15)]
    assert [frame.exposure_start_unix_ns - START for frame in frames] == [0, 100_000_000, 200_000_000]
    for frame in frames:
        assert frame.readout_end_unix_ns == source.readout_end_unix_ns(frame.sequence) > frame.exposure_start_unix_ns
        assert frame.pose is None
        assert frame.camera is not None
        assert (frame.camera.projection, frame.camera.psf_sigma_px) == ("unknown", 0.8)


def test_frame_is_the_same_whenever_it_is_asked_for(folder: Path) -> None:
    source = FolderSource(folder, 3.0, START)
    first, again = source.frame(1), source.frame(1)
    assert encode(first, "s", "r") == encode(again, "s", "r")


def test_run_cuts_or_loops_the_images(folder: Path) -> None:
    assert len(FolderSource(folder, 10.0, START, START + 250_000_000)) == 3
    assert len(FolderSource(folder, 10.0, START, START + 200_000_000)) == 2
    assert len(FolderSource(folder, 10.0, START, START + 90 * NS_PER_S)) == 3
    looped = FolderSource(folder, 10.0, START, START + 2 * NS_PER_S, loop=True)
    assert len(looped) == 20
    assert looped.image_path(13).name == "2.png"
    with pytest.raises(ValueError, match="would never end"):
        FolderSource(folder, 10.0, START, loop=True)
    with pytest.raises(IndexError, match="frame 20 of 20"):
        looped.frame(20)


def test_unreadable_image_fails_for_its_own_frame_alone(folder: Path) -> None:
    data = (folder / "2.png").read_bytes()
    (folder / "2.png").write_bytes(data[:40])
    source = FolderSource(folder, 10.0, START)
    with pytest.raises(BadInputError, match=r"2\.png: "):
        source.frame(1)
    assert source.frame(0).counts.shape == (4, 6)
    assert source.frame(2).counts.shape == (4, 15)
    assert source.readout_end_unix_ns(1) == START + 200_000_000


def test_folder_of_folders_is_a_satellite_each(tmp_path: Path) -> None:
    for name in ("sequence10", "sequence2", "notes"):
        (tmp_path / name).mkdir()
    for name in ("sequence10", "sequence2"):
        _write_image(tmp_path / name / "0.png", 4, 4, 1)
    assert [path.name for path in find_sequences(tmp_path)] == ["sequence2", "sequence10"]
    assert find_sequences(tmp_path / "sequence2") == [tmp_path / "sequence2"]
    with pytest.raises(BadInputError, match="neither the folder nor a folder in it"):
        find_sequences(tmp_path / "notes")
    with pytest.raises(BadInputError, match="no such file or folder"):
        find_sequences(tmp_path / "nothing")


@pytest.mark.parametrize("compression", ["none", "ccsds121", "zstd"])
def test_recorded_frames_come_back_as_they_were(tmp_path: Path, compression: str) -> None:
    if compression == "ccsds121":
        pytest.importorskip("imagecodecs")
    _record(tmp_path / "r.mcap", {"a": POSE, "b": None}, compression=compression)
    source = McapSource(tmp_path / "r.mcap", "a", START)
    assert len(source) == 6
    for sequence in (5, 0, 3):
        expected = _frame(sequence, POSE)
        found = source.frame(sequence)
        assert np.array_equal(found.counts, expected.counts)
        assert found.pose is not None
        # Through the quaternion, the last digit of a rotation may turn.
        assert np.allclose(found.pose.rotation_camera_to_gcrs, POSE.rotation_camera_to_gcrs, rtol=0, atol=1e-15)
        assert np.array_equal(found.pose.position_gcrs_m, POSE.position_gcrs_m)
        assert np.array_equal(found.pose.velocity_gcrs_m_per_s, POSE.velocity_gcrs_m_per_s)
        rest = ("sequence", "exposure_start_unix_ns", "exposure_s", "band_lower_m", "band_upper_m", "camera")
        assert [getattr(found, name) for name in rest] == [getattr(expected, name) for name in rest]
        assert source.readout_end_unix_ns(sequence) == expected.readout_end_unix_ns


def test_recording_with_poses_keeps_its_instants(tmp_path: Path) -> None:
    _record(tmp_path / "r.mcap", {"a": POSE})
    source = McapSource(tmp_path / "r.mcap", "a", START + NS_PER_S, START + 2 * NS_PER_S)
    assert len(source) == 2
    assert source.frame(0).exposure_start_unix_ns == START + NS_PER_S
    assert source.frame(0).sequence == 0
    with pytest.raises(BadInputError, match="outside the run, which starts at 2026-06-21T12:01:00"):
        McapSource(tmp_path / "r.mcap", "a", START + 60 * NS_PER_S)


def test_recording_without_poses_begins_with_the_run(tmp_path: Path) -> None:
    _record(tmp_path / "r.mcap", {"a": None})
    source = McapSource(tmp_path / "r.mcap", "a", START + 3600 * NS_PER_S, START + 3601 * NS_PER_S)
    assert len(source) == 2
    assert source.frame(1).exposure_start_unix_ns == START + 3600 * NS_PER_S + NS_PER_S // 2
    assert source.readout_end_unix_ns(1) == source.frame(1).readout_end_unix_ns


def test_satellite_that_is_not_in_the_recording_is_named(tmp_path: Path) -> None:
    _record(tmp_path / "r.mcap", {"a": None, "b": None})
    with pytest.raises(BadInputError, match="has no frames of 'c'; satellites in it: a, b"):
        McapSource(tmp_path / "r.mcap", "c", START)


def test_scenario_opens_what_its_path_names(folder: Path) -> None:
    _record(folder / "r.mcap", {"a": POSE})
    assert isinstance(open_replay(Replay(folder), "a", START), FolderSource)
    assert isinstance(open_replay(Replay(folder / "r.mcap"), "a", START), McapSource)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"rate_hz": 5.0}, "rate_hz is 5, but r.mcap is a recording"),
        ({"psf_sigma_px": 1.2}, "psf_sigma_px is 1.2, but r.mcap is a recording"),
        ({"loop": True}, "loop is true, but r.mcap is a recording, which has its own rate"),
    ],
)
def test_keys_that_a_recording_would_not_heed_are_refused(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says) + f".*leave {next(iter(keys))} out"):
        Replay(Path("somewhere") / "r.mcap", **keys)


def test_recording_tells_its_own_rate(tmp_path: Path) -> None:
    _record(tmp_path / "r.mcap", {"a": None})
    assert McapSource(tmp_path / "r.mcap", "a", START).rate_hz == pytest.approx(2.0)
    assert McapSource(tmp_path / "r.mcap", "a", START, START + NS_PER_S // 4).rate_hz is None


def test_contradicting_message_is_refused() -> None:
    message = frame_pb2.Frame.FromString(encode(_frame(0, POSE), "s", "r"))
    message.rows = 9
    with pytest.raises(ValueError, match="pixels has 160 bytes, not the 180 of 9 x 10"):
        decode(message.SerializeToString())
    message.pixel_encoding = frame_pb2.PIXEL_ENCODING_UNSPECIFIED
    with pytest.raises(ValueError, match="pixel_encoding is 0"):
        decode(message.SerializeToString())
    with pytest.raises(ValueError, match=r"is no plumewatch\.v1\.Frame"):
        decode(b"\xff\xff\xff")


def test_compressed_message_that_contradicts_itself_is_refused() -> None:
    message = frame_pb2.Frame.FromString(encode(_frame(0, POSE), "s", "r", codec_named("zstd")))
    message.rows = 9
    with pytest.raises(ValueError, match="zstd frame of 160 bytes and rows x columns are 180"):
        decode(message.SerializeToString())
    message.rows = 1 << 31
    with pytest.raises(ValueError, match="compressed pixels state 42949672960 bytes"):
        decode(message.SerializeToString())
    message.pixel_compression = 9  # type: ignore[assignment]
    with pytest.raises(ValueError, match=r"pixel_compression is 9, which is none of \[1, 2\]"):
        decode(message.SerializeToString())


def test_targets_are_column_then_row(tmp_path: Path) -> None:
    file = tmp_path / "targets_xy.txt"
    file.write_text("100\t90\n\n12.5, 3\nnan nan\n")
    assert read_targets(file) == [(90.0, 100.0), None, (3.0, 12.5), None]
    assert find_targets(Replay(tmp_path)) == file
    assert find_targets(Replay(tmp_path, targets=tmp_path / "x")) == tmp_path / "x"
    assert find_targets(Replay(tmp_path / "none")) is None
    file.write_text("1 2\n1 2 3\n")
    with pytest.raises(BadInputError, match=r"targets_xy\.txt:2: is '1 2 3', not a column and a row"):
        read_targets(file)


def test_real_sequences_can_be_replayed(shared_data: Path) -> None:
    folders = find_sequences(shared_data / "sequences")
    assert len(folders) == 6
    source = FolderSource(folders[0], 10.0, START)
    assert len(source) == 100
    assert source.frame(99).counts.shape == (256, 256)
    targets = find_targets(Replay(folders[0]))
    assert targets is not None
    assert len(read_targets(targets)) == 100
