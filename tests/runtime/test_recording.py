"""Recordings: whole or not at all, any frame at a time, readable by others."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from plumewatch.v1 import frame_pb2
from services.runtime.errors import BadInputError
from services.runtime.recording import Recording, RecordingWriter
from services.runtime.truth_schemas import FRAME_TRUTH, TRUTH

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


def test_truth_of_each_frame_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    records = [{"satellite_id": "a", "sequence": sequence, "objects": []} for sequence in range(FRAMES)]
    with RecordingWriter(path, {}) as recording:
        for sequence, record in enumerate(records):
            for satellite in ("b", "a"):
                recording.add_frame(
                    satellite, _message(satellite, sequence), 1000 + sequence, 1010 + sequence, sequence
                )
            recording.add_frame_truth("a", record, 1000 + sequence, 1010 + sequence, sequence)
    read = Recording(path)
    assert list(read.frame_truth("a")) == records
    assert list(read.frame_truth("b")) == []
    assert read.satellite_ids == ("a", "b")
    with path.open("rb") as file:
        found = list(make_reader(file).iter_messages(topics=["frame_truth/a"]))
    assert [(m.log_time, m.publish_time, m.sequence) for _, _, m in found] == [
        (1010 + sequence, 1000 + sequence, sequence) for sequence in range(FRAMES)
    ]
    schema, channel, _ = found[0]
    assert schema is not None
    assert (schema.name, schema.encoding, channel.message_encoding) == ("plumewatch.FrameTruth", "jsonschema", "json")
    assert json.loads(schema.data) == FRAME_TRUTH


def test_schemas_of_the_truth_take_what_is_true_and_nothing_else() -> None:
    point = {"time_unix_ns": 1, "position_itrs_m": [7e6, 0.0, 0.0]}
    launch = {"latitude_deg": 1.0, "longitude_deg": 2.0, "height_m": 0.0}
    record = {
        "object_id": "r",
        "class": "ballistic",
        "launch_time_unix_ns": 1,
        "launch": launch,
        "track": [point],
        "first_detectable_unix_ns": None,
    }
    seen = {"object_id": "r", "class": "glide", "row": 1.5, "column": 2.0, "snr": 9.0, "scnr": None}
    frame = {"satellite_id": "a", "sequence": 0, "time_unix_ns": 5, "objects": [seen]}
    for schema, good in ((TRUTH, record), (FRAME_TRUTH, frame)):
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(good, schema)
    for schema, bad in ((TRUTH, {**record, "class": "bird"}), (FRAME_TRUTH, {**frame, "objects": [{}]})):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


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
