"""What the relay reads of a frame, and the stamp it leaves on it, without decoding the rest.

A frame (and a detection batch) starts with three 8-byte fields whose tags are 09, 11 and 19: exposure start, end of
the read-out, sequence number. A stamp is one `hops` entry appended to the bytes: protobuf merges on parsing.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message

from plumewatch.v1 import detection_pb2, frame_pb2

_HEADER = struct.Struct("<BQBQBQ")
_TAGS = (0x09, 0x11, 0x19)
# Tag of a length-delimited field: number << 3 | 2, as a varint.
_LENGTH_DELIMITED = 2


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


def hop_stamp(
    kind: Kind,
    node: str,
    path: Sequence[str],
    departure_unix_ns: int,
    arrival_unix_ns: int,
    lateness_ns: int,
) -> bytes:
    """Return the bytes that, appended to a frame, add one entry to its `hops`."""
    hop = frame_pb2.NetworkHop(
        node=node,
        modelled_arrival_unix_ns=arrival_unix_ns,
        modelled_departure_unix_ns=departure_unix_ns,
        measured_lateness_ns=lateness_ns,
        path=path,
    ).SerializeToString()
    return _varint(kind.hops_field << 3 | _LENGTH_DELIMITED) + _varint(len(hop)) + hop


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
