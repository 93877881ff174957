"""Varints, in which protobuf writes tags and lengths: for messages whose large parts are not to be copied."""


def varint(value: int) -> bytes:
    """Return a number, not negative, seven bits a byte, the lowest first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
