"""What the relay reads of a frame without decoding the rest.

A frame (and a detection batch) starts with three 8-byte fields whose tags are 09, 11 and 19: exposure start, end of
the read-out, sequence number.
"""

import struct
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message

from plumewatch.v1 import detection_pb2, frame_pb2

_HEADER = struct.Struct("<BQBQBQ")
_TAGS = (0x09, 0x11, 0x19)


class UnreadableFrameError(ValueError):
    """These bytes are no frame; the message says what is wrong with them."""


@dataclass(frozen=True)
class Kind:
    """A message that a stream carries, and the number of its `hops` field."""

    name: str
    message: type[Message]
    hops_field: int


FRAME = Kind("frame", frame_pb2.Frame, frame_pb2.Frame.HOPS_FIELD_NUMBER)
BATCH = Kind("detection batch", detection_pb2.DetectionBatch, detection_pb2.DetectionBatch.HOPS_FIELD_NUMBER)


@dataclass(frozen=True)
class Header:
    """Fields 1 to 3. Instants are emulated UTC, nanoseconds since 1970."""

    exposure_start_unix_ns: int
    readout_end_unix_ns: int
    sequence: int


def read_header(data: bytes, kind: Kind = FRAME) -> tuple[Header, bytes]:
    """Return the header and the bytes to send on: the same bytes where they start as they should.

    Where they do not, the message is parsed once and written again in order. Raises UnreadableFrameError for bytes
    that are no such message, and where one of the three fields is not set.
    """
    if len(data) >= _HEADER.size:
        tag_1, exposure_start, tag_2, readout_end, tag_3, sequence = _HEADER.unpack_from(data)
        if (tag_1, tag_2, tag_3) == _TAGS:
            return Header(exposure_start, readout_end, sequence), data
    message = kind.message()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise UnreadableFrameError(
            f"{len(data)} bytes are no {kind.name}: {error}; send plumewatch.v1.{kind.message.DESCRIPTOR.name}"
        ) from error
    for field in ("exposure_start_unix_ns", "readout_end_unix_ns", "sequence"):
        if not message.HasField(field):
            raise UnreadableFrameError(f"{kind.name}: {field} is not set; set it")
    # Known fields are written in order of their numbers, so that the next node finds them at the start.
    return _header_of(message), message.SerializeToString()


def _header_of(message: Message) -> Header:
    return Header(message.exposure_start_unix_ns, message.readout_end_unix_ns, message.sequence)  # type: ignore[attr-defined]
