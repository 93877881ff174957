"""Pixels compressed and back, and what damaged or lying data come to."""

import builtins
import contextlib
import importlib
import tracemalloc
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from plumewatch.v1 import frame_pb2
from services.runtime.grpc_server import MESSAGE_LIMIT
from services.runtime.pixel_codec import (
    BLOCK_SAMPLES,
    CODECS,
    LARGEST_BYTES,
    REFERENCE_BLOCKS,
    MissingCodecError,
    PixelCodec,
    codec_named,
)
from tests.runtime import naive_rice

DTYPES = ["u1", "<u2", "<f4"]
UINT16 = np.dtype("<u2")


@pytest.fixture(params=["ccsds121", "zstd"], scope="module")
def codec(request: pytest.FixtureRequest) -> PixelCodec:
    return _codec(request.param)


def _codec(name: str) -> PixelCodec:
    if name == "ccsds121":
        pytest.importorskip("imagecodecs")
    codec = codec_named(name)
    assert codec is not None
    return codec


def _noise(shape: tuple[int, int], sigma: float, dtype: str = "<u2", mean: float = 250.0) -> np.ndarray:
    return np.random.default_rng(5).normal(mean, sigma, shape).clip(0, 16383).astype(dtype)


def _same(codec: PixelCodec, counts: np.ndarray) -> bool:
    back = codec.decode(codec.encode(counts), counts.dtype, counts.size)
    # By their bytes: NaN is no number, and has many forms.
    return back.dtype == counts.dtype and back.tobytes() == counts.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_small_image_comes_back_bit_by_bit(codec: PixelCodec, dtype: str, data: Any) -> None:
    shapes = st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=70)
    # Few values make runs of equal pixels, which the coders have options of their own for.
    values = data.draw(st.sampled_from([None, (0, 1), (7, 9)]))
    elements = None if values is None else st.sampled_from([np.dtype(dtype).type(value) for value in values])
    assert _same(codec, data.draw(st_numpy.arrays(dtype, shapes, elements=elements)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 31), (32, 64), (33, 64), (256, 256), (1, 2049)])
@pytest.mark.parametrize("sigma", [0.0, 1.5, 40.0, 3000.0])
def test_noise_comes_back_bit_by_bit(codec: PixelCodec, dtype: str, shape: tuple[int, int], sigma: float) -> None:
    counts = _noise(shape, sigma, "f4", 0.0 if dtype == "<f4" else 100.0)
    assert _same(codec, counts if dtype == "<f4" else counts.astype("i8").astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_pixels_give_the_same_bytes(codec: PixelCodec, dtype: str) -> None:
    counts = _noise((64, 64), 5, dtype, 100)
    assert codec.encode(counts) == codec.encode(counts.copy())


@pytest.mark.parametrize("sigma", [1.5, 10.0, 40.0])
def test_noise_costs_at_most_a_bit_a_pixel_more_than_it_holds(codec: PixelCodec, sigma: float) -> None:
    counts = _noise((512, 512), sigma, mean=500)
    entropy = np.log2(sigma * np.sqrt(2 * np.pi * np.e))
    taken = 8 * len(codec.encode(np.rint(counts).astype("<u2"))) / counts.size
    # A neighbour as the prediction doubles the variance: half a bit; the rest is the coder's.
    assert entropy < taken < entropy + 1.0


@pytest.mark.parametrize(("dtype", "bits"), [("u1", 8), ("<u2", 16), ("<u4", 32)])
@pytest.mark.parametrize("step", [0.0, 0.2, 0.8, 30.0, 3e4, 3e9])
@pytest.mark.parametrize("still", [1, 300])
def test_ccsds121_is_the_standards_bit_stream(dtype: str, bits: int, step: float, still: int) -> None:
    steps = np.random.default_rng(2).normal(0, step, 3 * BLOCK_SAMPLES * REFERENCE_BLOCKS + 500)
    # Stretches without any change make runs of blocks of zeros, short ones and the rest of a segment.
    steps[100:300] = steps[1000:1500] = steps[5000:6000] = steps[-still:] = 0
    samples = (1000 + np.cumsum(np.rint(steps))).astype(np.int64).astype(dtype)
    stream = _codec("ccsds121").encode(samples)
    decoded = naive_rice.decode(stream, bits, BLOCK_SAMPLES, REFERENCE_BLOCKS)
    assert decoded[: samples.size] == samples.tolist()
    # The last block is filled up, and a run of equal ones up to the next reference sample.
    assert set(decoded[samples.size :]) <= {decoded[samples.size - 1]}


@pytest.mark.parametrize(("dtype", "size"), [("u1", 1), ("<u2", 2), ("<f4", 4)])
def test_zstd_is_the_folded_differences_in_planes_that_the_schema_states(dtype: str, size: int) -> None:
    counts = _noise((9, 11), 40, dtype, 120)
    planes = zstandard.ZstdDecompressor().decompress(_codec("zstd").encode(counts))
    before, samples = 0, []
    for place in range(counts.size):
        folded = sum(planes[place + counts.size * plane] << 8 * plane for plane in range(size))
        difference = -(folded + 1) // 2 if folded % 2 else folded // 2
        before = (before + difference) % (1 << 8 * size)
        samples.append(before)
    assert samples == counts.reshape(-1).view(f"<u{size}").tolist()


def test_numbers_are_the_schemas_and_every_one_has_a_codec() -> None:
    names = {f"PIXEL_COMPRESSION_{codec.name.upper()}": number for number, codec in CODECS.items()}
    assert {"PIXEL_COMPRESSION_UNSPECIFIED": 0, **names} == dict(frame_pb2.PixelCompression.items())
    assert codec_named("none") is None


def test_largest_image_that_fits_a_message_may_come_compressed() -> None:
    assert 4096 * 4096 * 4 <= LARGEST_BYTES <= MESSAGE_LIMIT


def test_every_cut_is_refused(codec: PixelCodec) -> None:
    data = codec.encode(_noise((40, 50), 10))
    for end in range(len(data)):
        with pytest.raises(ValueError, match=r"pixels are (no|a) (CCSDS 121|zstd)"):
            codec.decode(data[:end], UINT16, 2000)


@pytest.mark.parametrize("pixels", [1, 1000, 1968, 2032, 2100, 100_000])
def test_other_number_of_pixels_than_the_data_hold_is_refused(codec: PixelCodec, pixels: int) -> None:
    data = codec.encode(_noise((40, 50), 10))
    with pytest.raises(ValueError, match=r"pixels are (no|a) (CCSDS 121|zstd)"):
        codec.decode(data, UINT16, pixels)


def test_other_type_than_the_data_hold_is_refused(codec: PixelCodec) -> None:
    data = codec.encode(_noise((40, 50), 10))
    for dtype in ("u1", "<f4"):
        with pytest.raises(ValueError, match="pixels are"):
            codec.decode(data, np.dtype(dtype), 2000)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_gives_an_image_of_the_right_size_or_a_refusal(codec: PixelCodec, data: Any) -> None:
    damaged = bytearray(codec.encode(_noise((20, 30), 10)))
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=8)):
        damaged[place] = data.draw(st.integers(0, 255))
    rubbish = data.draw(st.binary(max_size=40))
    for received in (bytes(damaged), bytes(damaged) + rubbish, rubbish):
        try:
            assert codec.decode(received, UINT16, 600).shape == (600,)
        except ValueError as error:
            assert "pixels are" in str(error)  # noqa: PT017


def test_zstd_notices_every_changed_byte() -> None:
    codec = _codec("zstd")
    counts = _noise((20, 30), 10)
    data = codec.encode(counts)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with contextlib.suppress(ValueError):
            assert codec.decode(bytes(changed), UINT16, 600).tobytes() == counts.tobytes()


def _zstd_header(content_bytes: int) -> bytes:
    """Return the start of a frame of so many bytes and one block that repeats a byte (RFC 8878, 3.1.1)."""
    # Descriptor: eight bytes of content size, single segment; block: last, run-length, 128 KiB.
    block = (1 | 1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"\x07"
    return b"\x28\xb5\x2f\xfd\xe0" + content_bytes.to_bytes(8, "little") + block


def test_zstd_that_states_a_terabyte_is_refused_before_memory_is_taken() -> None:
    codec = _codec("zstd")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"zstd frame of 1099511627776 bytes and rows x columns are 2000000"):
            codec.decode(_zstd_header(1 << 40), UINT16, 1_000_000)
        with pytest.raises(ValueError, match="pixels are no zstd frame"):
            codec.decode(_zstd_header(2000), UINT16, 1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_zstd_that_states_no_size_is_refused() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False)
    with pytest.raises(ValueError, match="of unstated bytes"):
        _codec("zstd").decode(compressor.compress(b"\0" * 2000), UINT16, 1000)


@pytest.mark.parametrize("pixels", [0, LARGEST_BYTES // 2 + 1, 1 << 62])
def test_more_than_a_message_could_hold_is_not_unfolded(codec: PixelCodec, pixels: int) -> None:
    small = codec.encode(np.zeros((64, 64), "<u2"))
    with pytest.raises(ValueError, match=f"compressed pixels state {2 * pixels} bytes; 1 to 67108864"):
        codec.decode(small, UINT16, pixels)


def test_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> Any:
        raise builtins.ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", nothing)
    with pytest.raises(MissingCodecError, match=r"'ccsds121' needs the package imagecodecs.*install it, or set"):
        codec_named("ccsds121")
