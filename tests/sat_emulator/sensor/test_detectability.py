"""The closed-form ratio of signal to noise against rendered frames."""

import dataclasses
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import erf

from sat_emulator.sensor import optics
from sat_emulator.sensor.detectability import BOX_PX, View, _matched_weights, first_detectable_unix_ns
from sat_emulator.sensor.exposure import digitised, saturate
from sat_emulator.sensor.philox import key_of
from sat_emulator.sensor.source import EmulatedSource
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.scenario.model import Atmosphere, Background, Cloud
from services.scenario.references import band_absorbers, reference_sensor
from services.scenario.resolve import resolve_satellites
from tests.sat_emulator import naive
from tests.sat_emulator.sensor import seen

SEQUENCE = 20
DRAWS = 2000
# Ground between fires, metres: some ten pixels of each sensor.
SPACING_M = {"wide": 11_000.0, "medium": 3300.0}
SENSORS = [("wide", "2.7um"), ("wide", "3.8um"), ("medium", "2.7um"), ("medium", "3.8um")]
# So far fires stand out: well above noise, and their own photon noise is little beside the scene's.
WANTED_SNR = 7.0
# In the window the ground fills the wells within a few milliseconds.
INTEGRATION_S = {"2.7um": 0.02, "3.8um": 0.001}
STRUCTURED = {"background": Background(), "cloud": Cloud(cover=0.3)}


def _source(reference: str, band: str, structured: bool) -> EmulatedSource:
    sensor = reference_sensor(
        reference=reference, band=band, rows=64, columns=64, dead_fraction=0.0, hot_fraction=0.0,
        integration_s=INTEGRATION_S[band],
    )  # fmt: skip
    keys = {"atmosphere": Atmosphere(), **(STRUCTURED if structured else {})}
    # As bright as a sensor, a band and its air need, by a first look at fires of 1 W/sr.
    intensity_w_per_sr = 1.0
    for _ in range(2):
        fires = seen.fires_on_a_grid(5, SPACING_M[reference], intensity_w_per_sr)
        run = seen.scenario(sensor, fires=fires, **keys)
        source = EmulatedSource(run, resolve_satellites(run)[1])
        intensity_w_per_sr *= WANTED_SNR / max(signal.snr for signal in View(source).signals(SEQUENCE))
    return source


def _filtered(source: EmulatedSource) -> dict[str, np.ndarray]:
    """Return each fire's electrons, (DRAWS,), as the matched filter at its true place finds them on rendered frames.

    The frame without fires and noise is taken off; it is what the filter's user takes the surroundings to be.
    """
    exposure = source.exposure(SEQUENCE)
    scene_e = source.scene_e(exposure).copy()
    spots = source.spots(exposure)
    photo_e = scene_e.copy()
    for spot in spots:
        optics.add_point(photo_e, spot.row, spot.column, spot.electrons, source.sensor.psf_sigma_px)
    saturate(photo_e, source.radiometer, source.sensor.blooming)
    shapes = []
    for spot in spots:
        shape = _shares(spot.row, spot.column, source.sensor.psf_sigma_px, scene_e.shape)
        shapes.append(shape.ravel() / (shape**2).sum())
    filters = np.array(shapes)
    expected = naive.expected_counts(scene_e, source.radiometer, source.pattern)
    found = np.empty((DRAWS, len(spots)))
    for draw in range(DRAWS):
        counts = digitised(photo_e, source.radiometer, source.pattern, 1.0, key_of(11, 3), draw)
        found[draw] = filters @ (counts - expected).ravel() * source.radiometer.electrons_per_count
    return {spot.source.id: found[:, place] for place, spot in enumerate(spots)}


def _shares(row: float, column: float, sigma_px: float, size: tuple[int, int]) -> np.ndarray:
    """Return pixels' shares of a point's light: the Gaussian integrated over each."""

    def line(at: float, pixels: int) -> np.ndarray:
        edges = erf((np.arange(pixels + 1) - 0.5 - at) / (sigma_px * math.sqrt(2)))
        return np.asarray(np.diff(edges) / 2)

    return np.outer(line(row, size[0]), line(column, size[1]))


def _electrons_by_hand(source: EmulatedSource, name: str) -> float:
    """Return a fire's electrons in clear sky, from its intensity, the way, the air and the camera, all written out."""
    (fire,) = (each for each in source.scenario.fires if each.id == name)
    assert fire.radiant_intensity_w_per_sr is not None
    sensor = source.sensor
    latitude, longitude = math.radians(fire.place.latitude_deg), math.radians(fire.place.longitude_deg)
    up = [math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude)]
    position = geodetic_to_itrs(fire.place.latitude_deg, fire.place.longitude_deg, fire.place.height_m)
    sight = source.exposure(SEQUENCE).position_itrs_m - position
    distance_m = math.sqrt(float(sight @ sight))
    cosine = float(np.array(up) @ sight) / distance_m
    through = 0.0
    for part in source.scenario.atmosphere.absorbers or band_absorbers(sensor.band):
        radii = 6_378_137.0 / part.scale_height_m
        air_mass = math.sqrt((radii * cosine) ** 2 + 2 * radii + 1) - radii * cosine
        depth = part.optical_depth * math.exp(-fire.place.height_m / part.scale_height_m) * air_mass
        through += part.share * math.exp(-depth)
    irradiance_w_per_m2 = fire.radiant_intensity_w_per_sr * through / distance_m**2
    power_w = irradiance_w_per_m2 * math.pi * (sensor.aperture_diameter_m / 2) ** 2 * sensor.optics_transmission
    photon_j = 6.626e-34 * 2.99792e8 / ((sensor.band_lower_m + sensor.band_upper_m) / 2)
    return power_w * sensor.integration_s / photon_j * sensor.quantum_efficiency


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize(("reference", "band"), SENSORS)
def test_frames_have_the_closed_forms_ratio(reference: str, band: str, structured: bool) -> None:
    source = _source(reference, band, structured)
    found = _filtered(source)
    signals = [signal for signal in View(source).signals(SEQUENCE) if signal.spot.clear > 0.1]
    assert len(signals) >= (12 if structured else 20)
    # Places within a pixel of all kinds.
    assert len({(round(4 * signal.spot.row) % 4, round(4 * signal.spot.column) % 4) for signal in signals}) >= 4
    electrons, ratios = [], []
    for signal in signals:
        draws = found[signal.spot.source.id]
        # The fire's own photon noise is not in the ratio, which is one to the noise where no fire is: it is taken off.
        sent = _electrons_by_hand(source, signal.spot.source.id) * signal.spot.clear
        own = sent * _own_noise(signal.spot.row, signal.spot.column, source.sensor.psf_sigma_px)
        assert signal.spot.electrons == pytest.approx(sent, rel=1e-3)
        electrons.append(draws.mean() / sent)
        ratios.append(draws.mean() / math.sqrt(draws.var() - own) / signal.snr)
    two_per_cent = 0.02
    assert np.mean(electrons) == pytest.approx(1.0, abs=0.005)
    assert np.mean(ratios) == pytest.approx(1.0, abs=two_per_cent)
    # Of every fire by itself: what chance leaves of 2000 draws (a 63rd of the deviation, a 45th of the mean's error),
    # four times over. At an edge of cloud the one line of sight on which the closed form rests is not the whole spot.
    chance = 4 * (1 / 63 + 1 / 45 / min(signal.snr for signal in signals))
    assert np.array(ratios) == pytest.approx(1.0, abs=two_per_cent + chance + (0.1 if structured else 0.0))


def _own_noise(row: float, column: float, sigma_px: float) -> float:
    """Return the variance that a point's own electrons add to the filter's estimate, over their number."""
    shape = _shares(row, column, sigma_px, (64, 64))
    return float((shape**3).sum() / (shape**2).sum() ** 2)


def test_ratio_is_electrons_times_root_of_concentration_over_noise() -> None:
    source = _source("wide", "2.7um", False)
    (signal, *_) = View(source).signals(SEQUENCE)
    scene_e = float(source.scene_e(source.exposure(SEQUENCE))[round(signal.spot.row), round(signal.spot.column)])
    # By hand: what the scene, dark current, read-out and rounding to counts add, in quadrature.
    per_count = 2e6 / (2**14 - 1 - 200)
    noise_e = math.sqrt(scene_e + 2e4 * 0.02 + 60.0**2 + per_count**2 / 12)
    assert signal.noise_e == pytest.approx(noise_e, rel=1e-3)
    rows = [0.5 * (math.erf((k + 0.5) / 0.6 / 2**0.5) - math.erf((k - 0.5) / 0.6 / 2**0.5)) for k in range(-4, 5)]
    assert optics.concentration(0.0, 0.0, 0.6) == pytest.approx(sum(share**2 for share in rows) ** 2, rel=1e-4)
    assert signal.snr == pytest.approx(signal.spot.electrons * math.sqrt(signal.concentration) / noise_e, rel=1e-3)


def test_noise_in_space_is_the_sensors_own() -> None:
    source = _source("wide", "2.7um", False)
    view, exposure = View(source), source.exposure(SEQUENCE)
    away = dataclasses.replace(
        exposure, rotation_camera_to_gcrs=exposure.rotation_camera_to_gcrs @ np.diag([1.0, -1.0, -1.0])
    )
    assert view.background_e(away, 30.0, 30.0) == 0.0
    assert view.background_e(exposure, 30.0, 30.0) > 1000


def test_background_is_that_of_the_rendered_scene() -> None:
    source = _source("wide", "2.7um", True)
    view, exposure = View(source), source.exposure(SEQUENCE)
    scene_e = source.scene_e(exposure).astype(float)
    places = [(row, column) for row in range(4, 60, 7) for column in range(4, 60, 7)]
    said = np.array([view.background_e(exposure, row, column) for row, column in places])
    drawn = np.array([scene_e[place] for place in places])
    # The lens blurs the one and not the other.
    assert said.mean() == pytest.approx(drawn.mean(), rel=0.02)
    assert np.corrcoef(said, drawn)[0, 1] > 0.95


def test_filter_ignores_what_is_level_and_finds_a_points_electrons() -> None:
    weights = _matched_weights(0.6)
    assert weights.shape == (BOX_PX, BOX_PX)
    assert weights.sum() == pytest.approx(0.0, abs=1e-12)
    point = np.zeros((BOX_PX, BOX_PX), np.float32)
    optics.add_point(point, 4.0, 4.0, 1000.0, 0.6)
    assert (weights * point).sum() == pytest.approx(1000.0, rel=1e-3)


def test_clutter_is_the_spread_of_the_filter_over_a_frame_without_noise() -> None:
    source = _source("wide", "3.8um", True)
    # The frame of mid-run with the pattern that stays, at every place of the middle quarter of its sides.
    expected = naive.expected_counts(source.scene_e(source.exposure(20)), source.radiometer, source.pattern)
    middle = expected[24:40, 24:40] * source.radiometer.electrons_per_count
    weights = _matched_weights(source.sensor.psf_sigma_px)
    found = [(middle[i : i + 9, j : j + 9] * weights).sum() for i in range(8) for j in range(8)]
    assert View(source).clutter_e == pytest.approx(np.std(found), rel=0.1)


def test_smooth_scene_has_the_clutter_of_the_fixed_pattern_alone() -> None:
    source = _source("wide", "2.7um", False)
    scene_e = source.scene_e(source.exposure(SEQUENCE)).astype(float)
    weights = _matched_weights(source.sensor.psf_sigma_px)
    pattern_e = math.hypot(3e-4 * scene_e.mean(), 20.0) * float(np.sqrt((weights**2).sum()))
    view = View(source)
    assert view.clutter_e == pytest.approx(pattern_e, rel=0.02)
    (signal, *_) = view.signals(SEQUENCE)
    assert signal.scr == pytest.approx(signal.spot.electrons / pattern_e, rel=0.02)
    # Independent errors add in quadrature.
    assert signal.scnr == pytest.approx(1 / math.hypot(1 / signal.snr, 1 / signal.scr))
    assert dataclasses.replace(signal, clutter_e=0.0).scr == math.inf


class _Looker:
    """A view of one target: at which ratio it is on each frame of a satellite's own rate."""

    def __init__(self, rate_hz: float, ratios: list[float], late_ns: int = 0) -> None:
        self.source = self
        self.sensor = SimpleNamespace(frame_rate_hz=rate_hz)
        self._rate_hz = rate_hz
        self._ratios, self._late_ns = ratios, late_ns

    def __len__(self) -> int:
        return len(self._ratios)

    def exposure_start_unix_ns(self, sequence: int) -> int:
        return 1000 * NS_PER_S + round(sequence * NS_PER_S / self._rate_hz)

    def readout_end_unix_ns(self, sequence: int) -> int:
        return self.exposure_start_unix_ns(sequence) + 70_000_000 + self._late_ns

    def signals(self, sequence: int, _only: object = None) -> list[Any]:
        spot = SimpleNamespace(source=SimpleNamespace(id="a"))
        return [SimpleNamespace(spot=spot, scnr=self._ratios[sequence])] if self._ratios[sequence] else []


def _first(*lookers: _Looker, satellites: int = 2, most_frames: int = 1000) -> int | None:
    views: Any = lookers
    targets: Any = [SimpleNamespace(id="a")]
    return first_detectable_unix_ns(views, targets, 6.0, satellites, most_frames)["a"]


def test_first_detectable_is_when_two_satellites_have_it_on_one_instant() -> None:
    # Alone on frames 2 and 4 each; together on frame 6, half a second each.
    one, other = [0, 0, 9.0, 0, 0, 0, 7.0, 9.0], [0, 0, 0, 0, 9.0, 5.9, 6.0, 9.0]
    read_out = 1000 * NS_PER_S + 3 * NS_PER_S + 70_000_000
    assert _first(_Looker(2, one), _Looker(2, other)) == read_out
    # It is known when the later of the two has been read out.
    assert _first(_Looker(2, one, 5), _Looker(2, other)) == read_out + 5
    assert _first(_Looker(2, one), _Looker(2, other), satellites=1) == read_out - 2 * NS_PER_S
    assert _first(_Looker(2, one), _Looker(2, [0.0] * 8)) is None


def test_satellites_of_different_rates_are_compared_by_time() -> None:
    # At 2 Hz from frame 6, at 10 Hz from frame 33: first together when both expose, at 3.5 s, its frame 7 and 35.
    slow = [0.0] * 6 + [9.0] * 4
    fast = [0.0] * 33 + [9.0] * 17
    assert _first(_Looker(2, slow), _Looker(10, fast)) == 1000 * NS_PER_S + 3_570_000_000
    assert _first(_Looker(10, fast), _Looker(2, slow)) == 1000 * NS_PER_S + 3_570_000_000


def test_no_more_frames_are_looked_at_than_asked_for() -> None:
    # Of 100 frames every tenth: what is seen on frame 41 is found on frame 50.
    ratios = [0.0] * 41 + [9.0] * 59
    first = _first(_Looker(2, ratios), _Looker(2, ratios), most_frames=10)
    assert first == 1000 * NS_PER_S + 25 * NS_PER_S + 70_000_000
