"""Curves show what the measuring commands found."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from bench.tracking.curves import chance_inside, draw_confirmation, draw_salvo, draw_speed


def test_true_ellipses_of_any_size_hold_what_they_state() -> None:
    off = np.random.default_rng(1).normal(size=(20_000, 2)) * (300.0, 50.0)
    # A 90 % ellipse of such errors has semi-axes of 2.146 standard deviations.
    of_ellipse = np.hypot(off[:, 0] / (2.146 * 300.0), off[:, 1] / (2.146 * 50.0))
    chance = np.sort(chance_inside(of_ellipse))
    assert np.abs(chance - np.linspace(0, 1, len(chance))).max() < 0.015


def is_drawn(picture: Path) -> bool:
    """Return whether a picture is more than an empty sheet: axes and names are black, only curves have a colour."""
    pixels = imread(picture)[..., :3].reshape(-1, 3)
    return bool(np.count_nonzero(np.ptp(pixels, axis=1) > 0.2) > 300)


@pytest.mark.parametrize(
    ("command", "options", "looks"),
    [("accuracy", ["--runs", "1", "--looks", "5", "20"], [5, 20] * 3), ("launch", ["--runs", "2"], [])],
)
def test_a_command_draws_its_figures(tmp_path: Path, command: str, options: list[str], looks: list[int]) -> None:
    picture = tmp_path / "curves.png"
    arguments = ["--json", "--picture", str(picture), *options]
    ran = subprocess.run(
        [sys.executable, "-m", f"bench.tracking.{command}", *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert [row["looks"] for row in json.loads(ran.stdout)["rows"] if "looks" in row] == looks
    assert is_drawn(picture)


def test_curves_leave_out_what_is_not_known(tmp_path: Path) -> None:
    times = [
        {"tracker": name, "targets": count, "median_ms": factor * count, "p99_ms": 2.0 * factor * count}
        for name, factor in (("ours", 0.04), ("Stone Soup", 8.0))
        for count in (20, 100)
    ]
    salvos = [
        {"tracker": name, "spread_m": spread_m, "purity": 0.8, "switches_a_run": 9.0, "rmse_m": error_m}
        for name in ("ours", "Stone Soup")
        for spread_m, error_m in ((500.0, 110.0), (1000.0, math.nan))
    ]
    draw_speed(times, tmp_path / "speed.png")
    draw_salvo(salvos, tmp_path / "salvo.png")
    draw_confirmation({"a track": [1.0, 1.0, 2.0], "a threat": [4.0, 9.0, math.inf]}, tmp_path / "confirmation.png")
    for name in ("speed", "salvo", "confirmation"):
        assert is_drawn(tmp_path / f"{name}.png")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--looks", "20", "99"], "--looks: [20, 99] must be 1 to 62"),
        (["--picture", "nowhere/curves.png"], "nowhere is no folder"),
    ],
)
def test_what_cannot_be_drawn_is_said_at_once(wrong: list[str], said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench.tracking.accuracy", *wrong],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert said in ran.stderr
