"""Recordings of a run's frames and truth: MCAP files, which the field's viewers open.

Topics: `frames/<satellite id>`, one `plumewatch.v1.Frame` a message, log time = end of read-out, publish time = start
of exposure, sequence = the frame's; `truth`, JSON, one record an object; `frame_truth/<satellite id>`, JSON, what is
true of one frame, times and sequence as the frame's. Instants are emulated UTC, nanoseconds since 1970. The metadata
record `plumewatch` says which run it was. https://mcap.dev/spec
"""

import contextlib
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.records import Chunk, Message, MessageIndex
from mcap.stream_reader import get_chunk_data_stream
from mcap.summary import Summary
from mcap.writer import CompressionType, Writer
from mcap_protobuf.schema import register_schema
from numpy.typing import NDArray
from zstandard import ZstdError

from plumewatch.v1 import frame_pb2
from services.runtime.errors import BadInputError
from services.runtime.truth_schemas import FRAME_TRUTH, TRUTH
from services.runtime.whole_file import whole_file

FRAME_TOPIC = "frames/"
TRUTH_TOPIC = "truth"
FRAME_TRUTH_TOPIC = "frame_truth/"
METADATA = "plumewatch"
# A chunk holds one frame of 1024 x 1024 16-bit counts or several smaller ones, so that one frame can be read without
# decompressing many.
CHUNK_BYTES = 1024 * 1024
# Opcode and length before a record's content.
RECORD_HEAD_BYTES = 9
# What the library raises for damaged files, found by truncating and overwriting good ones.
DAMAGE = (
    McapError,
    ZstdError,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
)


class RecordingWriter:
    """Writes one recording; a context manager.

    The file appears under its name when it is complete. Left by an exception, nothing appears.
    """

    def __init__(self, path: Path, metadata: Mapping[str, str]) -> None:
        self._stack = contextlib.ExitStack()
        file = self._stack.enter_context(whole_file(path))
        self._writer = Writer(file, CHUNK_BYTES, CompressionType.ZSTD)
        self._writer.start(profile="", library="plumewatch")
        self._writer.add_metadata(METADATA, dict(metadata))
        self._frame_schema = register_schema(self._writer, frame_pb2.Frame)
        self._json_schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._writer.finish()  # type: ignore[no-untyped-call]

    def add_frame(
        self, satellite_id: str, message: bytes, exposure_start_unix_ns: int, readout_end_unix_ns: int, sequence: int
    ) -> None:
        """Append one serialised Frame. Frames of one satellite come in the order of their sequence."""
        channel = self._channels.get(FRAME_TOPIC + satellite_id)
        if channel is None:
            channel = self._writer.register_channel(FRAME_TOPIC + satellite_id, "protobuf", self._frame_schema)
            self._channels[FRAME_TOPIC + satellite_id] = channel
        self._writer.add_message(channel, readout_end_unix_ns, message, exposure_start_unix_ns, sequence & 0xFFFFFFFF)

    def add_truth(self, record: Mapping[str, Any], time_unix_ns: int) -> None:
        """Append what is true of one object."""
        channel = self._json_channel(TRUTH_TOPIC, "plumewatch.Truth", TRUTH)
        self._writer.add_message(channel, time_unix_ns, json.dumps(record).encode(), time_unix_ns)

    def add_frame_truth(
        self,
        satellite_id: str,
        record: Mapping[str, Any],
        exposure_start_unix_ns: int,
        readout_end_unix_ns: int,
        sequence: int,
    ) -> None:
        """Append what is true of one frame."""
        channel = self._json_channel(FRAME_TRUTH_TOPIC + satellite_id, "plumewatch.FrameTruth", FRAME_TRUTH)
        data = json.dumps(record).encode()
        self._writer.add_message(channel, readout_end_unix_ns, data, exposure_start_unix_ns, sequence & 0xFFFFFFFF)

    def _json_channel(self, topic: str, schema_name: str, schema: Mapping[str, Any]) -> int:
        if topic not in self._channels:
            if schema_name not in self._json_schemas:
                data = json.dumps(schema).encode()
                self._json_schemas[schema_name] = self._writer.register_schema(schema_name, "jsonschema", data)
            self._channels[topic] = self._writer.register_channel(topic, "json", self._json_schemas[schema_name])
        return self._channels[topic]


class Recording:
    """Reads one recording, any frame at a time. It keeps no file open, and threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as file:
            try:
                reader = SeekingReader(file)
                summary = reader.get_summary()
                self._entries = {} if summary is None else _read_indexes(file, summary)
                self._metadata = {record.name: dict(record.metadata) for record in reader.iter_metadata()}
            except DAMAGE as error:
                raise BadInputError(str(path), f"is no complete MCAP file: {_one_line(error)}") from error
        if summary is None:
            raise BadInputError(str(path), "has no summary, so that nothing in it can be found; try `mcap recover`")
        self._chunk_starts = [chunk.chunk_start_offset for chunk in summary.chunk_indexes]

    @property
    def satellite_ids(self) -> tuple[str, ...]:
        """Satellites whose frames are in the file, sorted."""
        return tuple(
            sorted(topic.removeprefix(FRAME_TOPIC) for topic in self._entries if topic.startswith(FRAME_TOPIC))
        )

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of its run; empty where another program wrote it."""
        return dict(self._metadata.get(METADATA, {}))

    def readout_ends_unix_ns(self, satellite_id: str) -> NDArray[np.int64]:
        """Return when each frame of a satellite could first leave it, in the order of time."""
        return np.array([log_time for log_time, _, _ in self._of(FRAME_TOPIC + satellite_id)], dtype=np.int64)

    def frame(self, satellite_id: str, index: int) -> bytes:
        """Return the serialised Frame at a place in the order of time."""
        return self._message(FRAME_TOPIC + satellite_id, index)

    def truth(self) -> list[dict[str, Any]]:
        """Return the truth records; none where the file has no truth."""
        count = len(self._entries.get(TRUTH_TOPIC, ()))
        return [json.loads(self._message(TRUTH_TOPIC, index)) for index in range(count)]

    def frame_truth(self, satellite_id: str) -> Iterator[dict[str, Any]]:
        """Yield what is true of each of a satellite's frames, in the order of time; nothing where the file has none."""
        topic = FRAME_TRUTH_TOPIC + satellite_id
        for index in range(len(self._entries.get(topic, ()))):
            yield json.loads(self._message(topic, index))

    def _of(self, topic: str) -> list[tuple[int, int, int]]:
        entries = self._entries.get(topic)
        if entries is None:
            known = ", ".join(self.satellite_ids) or "none"
            name = topic.removeprefix(FRAME_TOPIC)
            raise BadInputError(str(self._path), f"has no frames of {name!r}; satellites in it: {known}")
        return entries

    def _open(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise BadInputError(str(self._path), f"cannot be read: {error.strerror}") from error

    def _message(self, topic: str, index: int) -> bytes:
        log_time, place, within = self._of(topic)[index]
        try:
            with self._open() as file:
                file.seek(self._chunk_starts[place] + RECORD_HEAD_BYTES)
                chunk = Chunk.read(ReadDataStream(file))
            stream, _ = get_chunk_data_stream(chunk, validate_crc=True)
            stream.read(within)
            stream.read1()
            message = Message.read(stream, stream.read8())
            if message.log_time != log_time:
                raise BadInputError(str(self._path), f"message {index} of {topic} is not where the file's index says")
            return bytes(message.data)
        except DAMAGE as error:
            raise BadInputError(
                str(self._path), f"message {index} of {topic} is damaged: {_one_line(error)}"
            ) from error


def _read_indexes(file: BinaryIO, summary: Summary) -> dict[str, list[tuple[int, int, int]]]:
    """Return (log time, chunk's place, message's first byte in the chunk) of every message, by topic and time."""
    entries: dict[str, list[tuple[int, int, int]]] = {}
    for place, chunk in enumerate(summary.chunk_indexes):
        for channel_id, offset in chunk.message_index_offsets.items():
            file.seek(offset + RECORD_HEAD_BYTES)
            index = MessageIndex.read(ReadDataStream(file))
            topic = summary.channels[channel_id].topic
            entries.setdefault(topic, []).extend((time, place, within) for time, within in index.records)
    for topic_entries in entries.values():
        topic_entries.sort()
    return entries


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
