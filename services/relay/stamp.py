"""The stamp that the relay leaves on a message: one `hops` entry appended to its bytes, which protobuf merges.

A frame is copied once to make room for its stamp. That is done while it waits to be due: only the lateness, which is
known when it goes, is filled in then, in a varint of fixed width.
"""

import ctypes
from collections.abc import Sequence

from plumewatch.v1 import frame_pb2
from services.relay.header import Kind
from services.runtime.varint import varint

# Wire types of a field: a tag is its number << 3 | one of these, as a varint.
_VARINT, _LENGTH_DELIMITED = 0, 2
# Bytes of the lateness, 7 bits each: as many as hold any wait. Protobuf reads varints with leading noughts.
_LATENESS_WIDTH = 9
# The interpreter's own calls for a bytes object that is made first and filled then.
_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
_new_bytes.argtypes, _new_bytes.restype = (ctypes.c_void_p, ctypes.c_ssize_t), ctypes.py_object
_address_of = ctypes.pythonapi.PyBytes_AsString
_address_of.argtypes, _address_of.restype = (ctypes.py_object,), ctypes.c_void_p


class Stamped:
    """A message with its stamp, complete but for the lateness."""

    def __init__(
        self,
        data: bytes,
        kind: Kind,
        node: str,
        path: Sequence[str],
        departure_unix_ns: int,
        arrival_unix_ns: int,
    ) -> None:
        hop = frame_pb2.NetworkHop(
            node=node, modelled_arrival_unix_ns=arrival_unix_ns, modelled_departure_unix_ns=departure_unix_ns, path=path
        ).SerializeToString()
        lateness_tag = varint(frame_pb2.NetworkHop.MEASURED_LATENESS_NS_FIELD_NUMBER << 3 | _VARINT)
        size = len(hop) + len(lateness_tag) + _LATENESS_WIDTH
        hops_tag = varint(kind.hops_field << 3 | _LENGTH_DELIMITED)
        stamp = b"".join((hops_tag, varint(size), hop, lateness_tag, _padded_varint(0)))
        self._message: bytes | None = _new_bytes(None, len(data) + len(stamp))
        start = _address_of(self._message)
        # The interpreter's lock is free meanwhile: a large frame holds up nobody's release.
        ctypes.memmove(start, data, len(data))
        ctypes.memmove(start + len(data), stamp, len(stamp))
        self._lateness_address = start + len(data) + len(stamp) - _LATENESS_WIDTH

    def sent(self, lateness_ns: int) -> bytes:
        """Return the message's bytes with their lateness, nanoseconds, at least 0. To be called once."""
        message, self._message = self._message, None
        if message is None:
            raise RuntimeError("a message goes out once; its bytes are no longer to be changed")
        # sint64 on the wire: zigzag, which doubles what is not negative.
        ctypes.memmove(self._lateness_address, _padded_varint(2 * lateness_ns), _LATENESS_WIDTH)
        return message


def _padded_varint(value: int) -> bytes:
    groups = [value >> shift & 0x7F for shift in range(0, 7 * _LATENESS_WIDTH, 7)]
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])
