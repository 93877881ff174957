"""Lossless coding of a frame's pixels for the downlink: what `Frame.pixel_compression` names, both ways.

ccsds121: the Rice coder of CCSDS 121.0-B-3, "Lossless Data Compression", which satellites carry; by libaec. It knows no
checksum: damage that leaves the number of pixels right is not noticed, as it is not in pixels sent as they are.
zstd: differences of neighbours in byte planes through Zstandard at its fastest level, whose entropy coder is what
counts here: noise has nothing that repeats. With a checksum.

Both take a pixel as one unsigned number; `protos/plumewatch/v1/frame.proto` states the formats for other clients.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from plumewatch.v1 import frame_pb2
from services.runtime.errors import PlumewatchError

# What fits into a message as it is, 4096 x 4096 float32, and no more may a compressed frame unfold to; bytes.
LARGEST_BYTES = 64 << 20
# Parameters of CCSDS 121.0-B-3: samples a block (J), blocks from one reference sample to the next (r). Of the other
# lengths that the standard allows, 8 and 16 take 0.3 and 0.1 bits a pixel more on noise, 64 takes 0.1 more on clouds.
BLOCK_SAMPLES = 32
REFERENCE_BLOCKS = 64
# Higher levels look for repetitions, of which noise has none: level 3 takes up to 2.5 times as long, and saves at most
# 0.01 bits a pixel.
ZSTD_LEVEL = 1

Unsigned = NDArray[np.unsignedinteger[Any]]
Buffer = bytes | memoryview


class MissingCodecError(PlumewatchError):
    """A package that a compression needs is not installed."""

    def __init__(self, compression: str, package: str) -> None:
        super().__init__(
            f"compression {compression!r} needs the package {package}, which is not installed; install it, or set "
            'compression = "zstd" or "none" under [downlink]'
        )
        self.compression = compression
        self.package = package


@dataclass(frozen=True)
class PixelCodec:
    """One way to compress. number: what `Frame.pixel_compression` is then."""

    name: str
    number: frame_pb2.PixelCompression
    _encode: Callable[[Unsigned], bytes]
    _decode: Callable[[Buffer, np.dtype[Any], int], Unsigned]

    def encode(self, counts: NDArray[np.generic]) -> bytes:
        """Return the pixels compressed, the same bytes every time.

        counts: contiguous, little-endian, of 1, 2 or 4 bytes each.

        Raises MissingCodecError.
        """
        return self._encode(counts.reshape(-1).view(f"<u{counts.itemsize}"))

    def decode(self, data: Buffer, dtype: np.dtype[Any], pixels: int) -> NDArray[Any]:
        """Return so many pixels of type `dtype` (little-endian), (pixels,).

        Raises ValueError, which says why, where `data` holds anything but exactly these, or more than LARGEST_BYTES are
        asked for; no more memory than they need is taken before. Raises MissingCodecError.
        """
        check_size(pixels * dtype.itemsize)
        return self._decode(data, np.dtype(f"<u{dtype.itemsize}"), pixels).view(dtype)


def check_size(pixel_bytes: int) -> None:
    """Raise ValueError where pixels of so many bytes are nothing that may come compressed."""
    if not 0 < pixel_bytes <= LARGEST_BYTES:
        raise ValueError(f"compressed pixels state {pixel_bytes} bytes; 1 to {LARGEST_BYTES} are taken")


def codec_named(name: str) -> PixelCodec | None:
    """Return the codec of `[downlink] compression`; None for `none`. Raises MissingCodecError."""
    if name == "none":
        return None
    codec = next(codec for codec in CODECS.values() if codec.name == name)
    # Said at the start, not with the first frame.
    codec.encode(np.zeros(1, np.uint8))
    return codec


def _ccsds121(samples: Unsigned) -> bytes:
    aec = _imagecodecs()
    return bytes(aec.aec_encode(samples, **_aec_parameters(samples.itemsize)))


def _from_ccsds121(data: Buffer, dtype: np.dtype[Any], pixels: int) -> Unsigned:
    aec = _imagecodecs()
    # Where the last blocks repeat one value, the stream says so of all up to the next reference sample; elsewhere it
    # ends with its last block. It tells nobody its length: room for one block more shows where it holds too much.
    filled = _rounded_up(pixels, BLOCK_SAMPLES)
    repeated = _rounded_up(pixels, BLOCK_SAMPLES * REFERENCE_BLOCKS)
    room = bytearray((repeated + BLOCK_SAMPLES) * dtype.itemsize)
    try:
        decoded = aec.aec_decode(data, out=room, **_aec_parameters(dtype.itemsize)) if len(data) else b""
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"pixels are no CCSDS 121 stream of {pixels} samples: {error}") from error
    samples: Unsigned = np.frombuffer(decoded, dtype, len(decoded) // dtype.itemsize)
    surplus = samples[filled:]
    if not (samples.size == filled or (samples.size == repeated and (surplus == samples[filled - 1]).all())):
        raise ValueError(
            f"pixels are a CCSDS 121 stream of {samples.size} samples, not of {pixels} in blocks of {BLOCK_SAMPLES}; "
            "it is damaged, or rows, columns or pixel_encoding are wrong"
        )
    return samples[:pixels]


def _rounded_up(number: int, step: int) -> int:
    return -(-number // step) * step


def _aec_parameters(sample_bytes: int) -> dict[str, int]:
    flags = int(_imagecodecs().AEC.FLAG.DATA_PREPROCESS)
    return {"bitspersample": 8 * sample_bytes, "flags": flags, "blocksize": BLOCK_SAMPLES, "rsi": REFERENCE_BLOCKS}


def _imagecodecs() -> ModuleType:
    try:
        return importlib.import_module("imagecodecs")
    except ModuleNotFoundError as error:
        raise MissingCodecError("ccsds121", "imagecodecs") from error


def _zstd(samples: Unsigned) -> bytes:
    # Contexts are not for several threads at once, and cheap beside a frame.
    planes = _planes(_folded(samples)).data.cast("B")
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compress(planes)


def _from_zstd(data: Buffer, dtype: np.dtype[Any], pixels: int) -> Unsigned:
    wanted = pixels * dtype.itemsize
    try:
        # The library takes the memory that the data ask for, whatever limit it is given: so they are asked first.
        stated = zstandard.frame_content_size(data)
        if stated != wanted:
            raise ValueError(
                f"pixels are a zstd frame of {'unstated' if stated < 0 else stated} bytes and rows x columns are "
                f"{wanted}; send every pixel once"
            )
        planes = zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ValueError(f"pixels are no zstd frame: {error}") from error
    return _unfolded(_from_planes(np.frombuffer(planes, np.uint8).reshape(dtype.itemsize, pixels), dtype))


def _folded(samples: Unsigned) -> Unsigned:
    """Return each sample's difference from the one before it, modulo 2^bits, folded: 0, -1, 1, -2 ... as 0, 1, 2, 3."""
    differences = samples.copy()
    differences[1:] -= samples[:-1]
    signed = differences.view(f"<i{samples.itemsize}")
    folded: Unsigned = ((signed << 1) ^ (signed >> (8 * samples.itemsize - 1))).view(samples.dtype)
    return folded


def _unfolded(folded: Unsigned) -> Unsigned:
    differences = (folded >> 1) ^ np.negative(folded & 1)
    samples: Unsigned = np.cumsum(differences, dtype=folded.dtype)
    return samples


def _planes(samples: Unsigned) -> NDArray[np.uint8]:
    planes = np.empty((samples.itemsize, samples.size), np.uint8)
    for place in range(samples.itemsize):
        np.right_shift(samples, 8 * place, out=planes[place], casting="unsafe", dtype=samples.dtype)
    return planes


def _from_planes(planes: NDArray[np.uint8], dtype: np.dtype[Any]) -> Unsigned:
    samples: Unsigned = planes[0].astype(dtype)
    for place in range(1, dtype.itemsize):
        samples |= planes[place].astype(dtype) << (8 * place)
    return samples


# By the number on the wire; unset means that there is nothing to decode.
CODECS: dict[int, PixelCodec] = {
    codec.number: codec
    for codec in (
        PixelCodec("ccsds121", frame_pb2.PIXEL_COMPRESSION_CCSDS121, _ccsds121, _from_ccsds121),
        PixelCodec("zstd", frame_pb2.PIXEL_COMPRESSION_ZSTD, _zstd, _from_zstd),
    )
}
