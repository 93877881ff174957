"""The compression benchmark on frames small enough for a test."""

from pathlib import Path

import numpy as np
import pytest

from bench.downlink import compression


@pytest.mark.parametrize("sigma", [1.5, 10.0, 40.0])
def test_noise_is_measured_through_a_smooth_scene(sigma: float) -> None:
    two_hundredths_of_a_bit = 0.02
    rows, columns = np.mgrid[:512, :512] / 512
    scene = 500 + 60 * np.sin(8 * columns) + 30 * np.cos(13 * rows)
    counts = np.rint(scene + np.random.default_rng(3).normal(0, sigma, scene.shape)).astype(np.uint16)
    # Rounding adds a twelfth of a count squared to what is measured.
    wanted = np.log2(np.sqrt((sigma**2 + 1 / 12) * 2 * np.pi * np.e))
    assert compression.noise_bits_per_pixel(counts) == pytest.approx(wanted, abs=two_hundredths_of_a_bit)


def test_still_image_costs_nothing() -> None:
    assert compression.noise_bits_per_pixel(np.full((64, 64), 7, np.uint8)) == 0


def test_figures_are_of_every_kind_of_frame(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scene = np.random.default_rng(1).normal(900, 4, (64, 80)).astype(np.uint16)
    monkeypatch.setattr(compression, "_emulated", lambda: [("made-up", [scene, scene + 1])])
    monkeypatch.setattr(compression, "SIDE", 64)
    (tmp_path / "goes_3_9um").mkdir()
    np.save(tmp_path / "goes_3_9um" / "AK.npy", (scene // 8).astype(np.uint8))
    figures = compression.run(rounds=1, data=tmp_path)
    names = ["made-up", "AK", *(f"noise of {sigma:g} counts" for sigma in compression.NOISE_COUNTS)]
    assert list(figures["kinds"]) == names
    made_up = figures["kinds"]["made-up"]
    assert made_up["codecs"]["zstd"]["ratio"] == pytest.approx(16 / made_up["codecs"]["zstd"]["bits_per_pixel"])
    assert made_up["codecs"]["zstd"]["bits_per_pixel"] > made_up["bound_bits_per_pixel"] > 3
    assert "made-up, 2 x 64 x 80 uint16" in compression.table(figures)
