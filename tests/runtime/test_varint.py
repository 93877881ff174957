"""Varints as protobuf reads them."""

import pytest
from google.protobuf import wrappers_pb2

from services.runtime.varint import varint


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**64 - 1])
def test_number_is_read_back_by_protobuf(value: int) -> None:
    # Field 1, wire type 0.
    assert wrappers_pb2.UInt64Value.FromString(b"\x08" + varint(value)).value == value
