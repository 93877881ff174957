"""Lossless compression of frames: bits a pixel beside what the noise alone costs, and MB/s beside numpy.copyto.

Frames of the first satellite of each shipped scenario, noise of known strength, and recorded scenes and sequences where
a checkout has them beside it. Codecs and numpy.copyto take turns on each frame, so that what else the machine does hits
all alike; every frame is checked to come back as it was. One thread; MB are of uncompressed pixels.

Noise of standard deviation sigma counts holds log2(sigma sqrt(2 pi e)) bits a pixel, and no lossless coder can take
less. Where sigma is not known it is measured on the frame, and fine texture counts as noise.

Run alone: python -m bench.downlink.compression [--rounds 8] [--data FOLDER]
"""

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.runtime.errors import PlumewatchError
from services.runtime.pixel_codec import CODECS, MissingCodecError, PixelCodec, codec_named

REPOSITORY = Path(__file__).parents[2]
RECORDED = REPOSITORY.parent / "shared" / "data"
ROUNDS = 8
# Frames of each kind, evenly over a run or a sequence.
FRAMES = 4
SIDE = 1024
NOISE_COUNTS = (1.5, 10.0, 40.0)
# Noise is measured in squares of this side, since it grows with the light; pixels.
TILE = 16

Counts = NDArray[Any]


def run(rounds: int = ROUNDS, data: Path = RECORDED) -> dict[str, Any]:
    """Return figures of each codec on each kind of frames, and why a codec was left out.

    data: folder with goes_3_9um/*.npy and sequences/*/; what is not there is left out.
    """
    codecs: list[PixelCodec] = []
    left_out = {}
    for codec in CODECS.values():
        try:
            codec_named(codec.name)
            codecs.append(codec)
        except MissingCodecError as error:
            left_out[codec.name] = str(error)
    kinds = {name: _measure(frames, bound, codecs, rounds) for name, frames, bound in _kinds(data)}
    return {"rounds": rounds, "kinds": kinds, "left_out": left_out}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    head = f"{'':30}{'bits/px':>8}{'bound':>7}{'ratio':>7}{'encode MB/s':>18}{'decode MB/s':>18}"
    lines = [f"{figures['rounds']} rounds, one thread; MB/s: best, median", head]
    for name, kind in figures["kinds"].items():
        copied = _pair(kind["copy_mb_per_s"])
        what = f"{name}, {kind['frames']} x {kind['rows']} x {kind['columns']} {kind['type']}"
        lines.append(f"{what}; numpy.copyto{copied} MB/s")
        for codec, each in kind["codecs"].items():
            lines.append(
                f"  {codec:28}{each['bits_per_pixel']:8.2f}{kind['bound_bits_per_pixel']:7.2f}{each['ratio']:7.2f}"
                f"{_pair(each['encode_mb_per_s'])}{_pair(each['decode_mb_per_s'])}"
            )
    return "\n".join([*lines, *figures["left_out"].values()])


def noise_bits_per_pixel(counts: Counts) -> float:
    """Return what the noise in an image costs at least, bits a pixel; 0 where less than rounding is measured.

    Noise is measured tile by tile as what a mask of two Laplacians leaves, which smooth scenes do not pass (J.
    Immerkaer, "Fast Noise Variance Estimation", Computer Vision and Image Understanding 64, 1996).
    """
    image = counts.astype(np.float64)
    across = image[:, :-2] - 2 * image[:, 1:-1] + image[:, 2:]
    left = np.abs(across[:-2] - 2 * across[1:-1] + across[2:])
    rows, columns = (side // TILE * TILE for side in left.shape)
    tiles = left[:rows, :columns].reshape(rows // TILE, TILE, columns // TILE, TILE).mean(axis=(1, 3))
    sigma = math.sqrt(math.pi / 2) / 6 * tiles
    return float(np.maximum(np.log2(np.maximum(sigma, 1e-9) * math.sqrt(2 * math.pi * math.e)), 0).mean())


def _kinds(data: Path) -> Iterator[tuple[str, list[Counts], float]]:
    """Yield (name, frames, bound in bits a pixel)."""
    for name, frames in (*_emulated(), *_recorded(data)):
        yield name, frames, float(np.mean([noise_bits_per_pixel(counts) for counts in frames]))
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    scene = 250 + 40 * np.sin(8 * columns) + 30 * np.cos(13 * rows + 6 * columns)
    for sigma in NOISE_COUNTS:
        noisy = [np.rint(scene + rng.normal(0, sigma, scene.shape)).clip(0, 16383) for _ in range(FRAMES)]
        bound = math.log2(sigma * math.sqrt(2 * math.pi * math.e))
        yield f"noise of {sigma:g} counts", [counts.astype(np.uint16) for counts in noisy], bound


def _emulated() -> Iterator[tuple[str, list[Counts]]]:
    from sat_emulator.sensor.source import EmulatedSource
    from services.scenario.load import load_scenario
    from services.scenario.resolve import resolve_satellites

    for path in sorted((REPOSITORY / "scenarios").glob("*.toml")):
        scenario = load_scenario(path)
        emulated = [satellite for satellite in resolve_satellites(scenario) if satellite.replay is None]
        if emulated:
            source = EmulatedSource(scenario, emulated[0])
            yield path.stem, [source.frame(round(k)).counts for k in np.linspace(0, len(source) - 1, FRAMES)]


def _recorded(data: Path) -> Iterator[tuple[str, list[Counts]]]:
    from sat_emulator.replay.images import list_images, read_image

    for path in sorted((data / "goes_3_9um").glob("*.npy")):
        yield path.stem, [np.load(path)]
    for folder in sorted((data / "sequences").glob("*/")):
        images = list_images(folder)
        yield folder.name, [read_image(images[round(k)]) for k in np.linspace(0, len(images) - 1, FRAMES)]


def _measure(frames: list[Counts], bound: float, codecs: list[PixelCodec], rounds: int) -> dict[str, Any]:
    shape, pixel_bytes = frames[0].shape, frames[0].itemsize
    copy = np.empty_like(frames[0])
    copied: list[float] = []
    encoded: dict[str, list[float]] = {codec.name: [] for codec in codecs}
    decoded: dict[str, list[float]] = {codec.name: [] for codec in codecs}
    packed_bytes = dict.fromkeys(encoded, 0)
    for _ in range(rounds):
        for counts in frames:
            begun = time.perf_counter()
            np.copyto(copy, counts)
            copied.append(counts.nbytes / 1e6 / (time.perf_counter() - begun))
            for codec in codecs:
                begun = time.perf_counter()
                packed = codec.encode(counts)
                between = time.perf_counter()
                back = codec.decode(packed, counts.dtype, counts.size)
                decoded[codec.name].append(counts.nbytes / 1e6 / (time.perf_counter() - between))
                encoded[codec.name].append(counts.nbytes / 1e6 / (between - begun))
                packed_bytes[codec.name] += len(packed)
                if not np.array_equal(back, counts.reshape(-1)):
                    raise PlumewatchError(f"{codec.name} is not lossless on these frames")
    pixels = rounds * len(frames) * frames[0].size
    return {
        "frames": len(frames),
        "rows": shape[0],
        "columns": shape[1],
        "type": frames[0].dtype.name,
        "bound_bits_per_pixel": bound,
        "copy_mb_per_s": _best_and_median(copied),
        "codecs": {
            name: {
                "bits_per_pixel": 8 * packed / pixels,
                "ratio": pixel_bytes * pixels / packed,
                "encode_mb_per_s": _best_and_median(encoded[name]),
                "decode_mb_per_s": _best_and_median(decoded[name]),
            }
            for name, packed in packed_bytes.items()
        },
    }


def _best_and_median(rates: list[float]) -> dict[str, float]:
    return {"best": max(rates), "median": float(np.median(rates))}


def _pair(rates: dict[str, float]) -> str:
    return f"{rates['best']:10.0f}{rates['median']:8.0f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--data", type=Path, default=RECORDED)
    arguments = parser.parse_args()
    print(table(run(arguments.rounds, arguments.data)))
