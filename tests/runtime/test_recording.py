"""Recordings: whole or not at all, any frame at a time, readable by others."""

from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from plumewatch.v1 import frame_pb2
from services.runtime.errors import BadInputError
from services.runtime.recording import Recording, RecordingWriter

FRAMES = 5


def _message(satellite: str, sequence: int) -> bytes:
    pixels = np.random.default_rng(sequence).bytes(2 * 300 * 400)
    return frame_pb2.Frame(
        exposure_start_unix_ns=sequence, sequence=sequence, satellite_id=satellite, pixels=pixels
    ).SerializeToString()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run.mcap"
    with RecordingWriter(path, {"run_id": "r1"}) as recording:
        recording.add_truth({"object_id": "rocket", "n": 1}, 1000)
        recording.add_truth({"object_id": "fire"}, 1000)
        for sequence in range(FRAMES):
            for satellite in ("b", "a"):
                recording.add_frame(
                    satellite, _message(satellite, sequence), 1000 + sequence, 1010 + sequence, sequence
                )
    return path


def test_any_frame_can_be_read_alone(path: Path) -> None:
    recording = Recording(path)
    assert recording.satellite_ids == ("a", "b")
    assert recording.metadata == {"run_id": "r1"}
    assert recording.readout_ends_unix_ns("a").tolist() == [1010, 1011, 1012, 1013, 1014]
    for index in (4, 0, 2):
        for satellite in ("a", "b"):
            assert recording.frame(satellite, index) == _message(satellite, index)
    assert recording.truth() == [{"object_id": "rocket", "n": 1}, {"object_id": "fire"}]


def test_other_programs_can_read_it(path: Path) -> None:
    with path.open("rb") as file:
        decoded = list(
            make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages(topics=["frames/a"])
        )
    assert [message.decoded_message.sequence for message in decoded] == list(range(FRAMES))
    assert decoded[0].schema is not None
    assert decoded[0].schema.name == "plumewatch.v1.Frame"


def test_interrupted_recording_leaves_nothing(tmp_path: Path) -> None:
    def record() -> None:
        with RecordingWriter(tmp_path / "run.mcap", {}) as recording:
            recording.add_frame("a", b"", 0, 0, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nowhere/run\.mcap: cannot be written: No such file or directory"):
        RecordingWriter(tmp_path / "nowhere" / "run.mcap", {})


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_truncated_file_is_named(path: Path, kept: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(BadInputError, match=r"run\.mcap: "):
        Recording(path)


def test_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.mcap").write_bytes(b"no recording at all, just some text" * 20)
    with pytest.raises(BadInputError, match="is no complete MCAP file"):
        Recording(tmp_path / "x.mcap")
    with pytest.raises(BadInputError, match="cannot be read: No such file"):
        Recording(tmp_path / "y.mcap")


def test_damaged_frame_fails_alone(path: Path) -> None:
    data = bytearray(path.read_bytes())
    # In the middle of the pixels of the first frame.
    data[len(data) // 20] ^= 0xFF
    path.write_bytes(data)
    recording = Recording(path)
    with pytest.raises(BadInputError, match="message 0 of frames/b is damaged"):
        recording.frame("b", 0)
    assert recording.frame("a", FRAMES - 1) == _message("a", FRAMES - 1)


def test_flipped_bytes_never_crash_the_reader(path: Path) -> None:
    good = path.read_bytes()
    rng = np.random.default_rng(3)
    for place in rng.integers(len(good) - 3000, len(good), 60).tolist():
        data = bytearray(good)
        data[place] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        try:
            recording = Recording(path)
            for satellite in recording.satellite_ids:
                for index in range(len(recording.readout_ends_unix_ns(satellite))):
                    recording.frame(satellite, index)
        except BadInputError:
            continue
