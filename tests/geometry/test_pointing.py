"""Pointing errors have the spectra that they state."""

import math

import numpy as np
import pytest

from services.geometry.pointing import PointingError

JITTER = 2e-5
BANDWIDTH_HZ = 50.0
DRIFT = 1e-5
CORRELATION_S = 300.0


def _error(name: str = "sat-1", seed: int = 1, jitter: float = JITTER, drift: float = DRIFT) -> PointingError:
    return PointingError(
        seed,
        name,
        jitter_rad=jitter,
        jitter_bandwidth_hz=BANDWIDTH_HZ,
        drift_rad=drift,
        drift_correlation_s=CORRELATION_S,
    )


def _series(error: PointingError, rate_hz: float, seconds: float) -> np.ndarray:
    return np.array([error.at(frame / rate_hz) for frame in range(int(rate_hz * seconds))])


@pytest.mark.parametrize("rate_hz", [2.0, 10.0])
def test_jitter_of_an_hour_of_frames_is_gaussian_and_uncorrelated(rate_hz: float) -> None:
    frames = _series(_error(drift=0.0), rate_hz, 3600.0 if rate_hz < 5 else 900.0)
    three_per_cent, five_per_cent, ten_per_cent = 0.03, 0.05, 0.1
    assert frames.std(axis=0) == pytest.approx([JITTER] * 3, rel=three_per_cent)
    assert np.abs(frames.mean(axis=0)).max() < five_per_cent * JITTER
    scaled = frames / JITTER
    for lag in (1, 2, 3, 7, 20):
        correlation = (scaled[lag:] * scaled[:-lag]).mean(axis=0)
        assert np.abs(correlation).max() < five_per_cent, lag
    # Gaussian: third moment 0, fourth 3, and 1 in 22 frames beyond two standard deviations.
    assert np.abs((scaled**3).mean(axis=0)).max() < 3 * ten_per_cent
    assert (scaled**4).mean(axis=0) == pytest.approx([3.0] * 3, rel=ten_per_cent)
    assert (np.abs(scaled) > 2).mean() == pytest.approx(0.0455, rel=ten_per_cent)
    # Axes have nothing to do with each other.
    assert np.abs(np.corrcoef(frames.T) - np.eye(3)).max() < five_per_cent


def test_jitters_spectrum_is_flat_up_to_the_bandwidth() -> None:
    # Sampled at four times the bandwidth, so that nothing folds back.
    rate_hz, count = 4 * BANDWIDTH_HZ, 8192
    frames = _series(_error(drift=0.0), rate_hz, count / rate_hz)
    taper = np.hanning(count)[:, None]
    density = 2 * np.abs(np.fft.rfft(frames * taper, axis=0)) ** 2 / (rate_hz * (taper**2).sum())
    frequency_hz = np.fft.rfftfreq(count, 1 / rate_hz)
    expected = JITTER**2 / BANDWIDTH_HZ
    for low_hz in np.arange(0, BANDWIDTH_HZ, 10.0):
        band = (frequency_hz >= low_hz) & (frequency_hz < low_hz + 10.0)
        assert density[band].mean() == pytest.approx(expected, rel=0.1), low_hz
    assert density[frequency_hz > BANDWIDTH_HZ + 0.5].max() < 1e-6 * expected


def test_drifts_correlation_falls_exponentially() -> None:
    # Over an ensemble, as one run is hardly longer than the correlation time.
    errors = [_error(f"sat-{number}", jitter=0.0) for number in range(600)]
    now = np.array([error.at(0.0) for error in errors])
    five_per_cent = 0.05
    assert now.std() == pytest.approx(DRIFT, rel=five_per_cent)
    for lag_s in (30.0, 150.0, 300.0, 900.0):
        later = np.array([error.at(lag_s) for error in errors])
        correlation = (now * later).mean() / DRIFT**2
        assert correlation == pytest.approx(math.exp(-lag_s / CORRELATION_S), abs=five_per_cent), lag_s


def test_drifts_spectrum_is_a_lorentz_line() -> None:
    # The integral of 4 s^2 T / (1 + (2 pi f T)^2) from 0: half of the power lies below 1 / (2 pi T), and the part
    # 2 / pi * atan(x) below x times that.
    error = _error(jitter=0.0)
    rates = np.sort(error._rates_rad_per_s[:, -256:] * CORRELATION_S, axis=1)
    for times in (0.1, 1.0, 10.0):
        share = (rates < times).mean(axis=1)
        assert share == pytest.approx([2 / math.pi * math.atan(times)] * 3, abs=1 / 256)


def test_drift_moves_little_between_frames() -> None:
    frames = _series(_error(jitter=0.0), 2.0, 600.0)
    # Structure function of an exponential correlation: 2 s^2 (1 - exp(-t / T)).
    step = math.sqrt(2 * (1 - math.exp(-0.5 / CORRELATION_S)))
    assert np.diff(frames, axis=0).std() / DRIFT == pytest.approx(step, rel=0.3)


def test_seed_and_name_alone_decide() -> None:
    assert np.array_equal(_error().at(12.5), _error().at(12.5))
    assert not np.allclose(_error().at(12.5), _error("sat-2").at(12.5))
    assert not np.allclose(_error().at(12.5), _error(seed=2).at(12.5))
    # In any order: the value is a function of time.
    error = _error()
    first = error.at(3.0)
    error.at(1e6)
    assert np.array_equal(error.at(3.0), first)


def test_no_error_asked_for_is_none() -> None:
    assert np.array_equal(_error(jitter=0.0, drift=0.0).at(7.0), np.zeros(3))


@pytest.mark.parametrize("key", ["jitter_bandwidth_hz", "drift_correlation_s"])
def test_spectrum_without_width_is_refused(key: str) -> None:
    numbers = {"jitter_rad": 1e-5, "jitter_bandwidth_hz": 50.0, "drift_rad": 1e-5, "drift_correlation_s": 300.0}
    with pytest.raises(ValueError, match=f"{key} is 0 and must be above 0"):
        PointingError(1, "a", **{**numbers, key: 0.0})
