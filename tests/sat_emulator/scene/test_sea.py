"""The sun's glint against Fresnel, Cox and Munk, and the laws of energy and reciprocity."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sat_emulator.scene.sea import fresnel_reflectance, glint_radiance_factor, slope_variance, water_index

Float64 = NDArray[np.float64]

WATER = 1.364 + 3.4e-3j


def _direction(zenith_deg: float, azimuth_deg: float) -> Float64:
    zenith, azimuth = np.radians([zenith_deg, azimuth_deg])
    return np.array([np.sin(zenith) * np.sin(azimuth), np.sin(zenith) * np.cos(azimuth), np.cos(zenith)])


def _hemisphere(rings: int, spokes: int) -> tuple[Float64, Float64]:
    """Return directions (rings, spokes, 3) and the solid angle times cosine (rings, 1) that each stands for."""
    edges = np.linspace(0.0, np.pi / 2, rings + 1)
    zenith = (edges[1:] + edges[:-1]) / 2
    weight = (np.sin(edges[1:]) ** 2 - np.sin(edges[:-1]) ** 2) * np.pi / spokes
    azimuth = 2 * np.pi * (np.arange(spokes) + 0.5) / spokes
    sine = np.sin(zenith)[:, None]
    east, north = sine * np.sin(azimuth), sine * np.cos(azimuth)
    return np.stack([east, north, np.broadcast_to(np.cos(zenith)[:, None], east.shape)], -1), weight[:, None]


def test_index_of_water_is_hale_and_querrys() -> None:
    # Table I of Appl. Opt. 12 (1973) 555 at 3.8 um: 1.364 and 0.0034; at 2.9 um 1.201 and 0.268.
    assert water_index(3.8e-6, 3.8e-6) == pytest.approx(1.364 + 0.0034j)
    assert water_index(2.9e-6, 2.9e-6) == pytest.approx(1.201 + 0.268j)
    assert water_index(2.69e-6, 2.95e-6).real == pytest.approx(1.18, abs=0.01)
    assert water_index(4.2e-6, 4.45e-6).real == pytest.approx(1.336, abs=0.002)


def test_fresnel_reflectance_is_the_textbooks() -> None:
    # Water in visible light, n = 1.333: 2.04 % at normal incidence; all at grazing.
    assert fresnel_reflectance(1.0, 1.333) == pytest.approx(0.0204, abs=5e-5)
    assert fresnel_reflectance(0.0, 1.333) == pytest.approx(1.0)
    # At Brewster's angle one of the two polarisations is not mirrored at all.
    n = 1.333
    brewster = 1 / np.sqrt(1 + n * n)
    assert fresnel_reflectance(brewster, n) == pytest.approx(0.5 * ((n * n - 1) / (n * n + 1)) ** 2)


def test_slopes_are_cox_and_munks() -> None:
    # Their regression, 0.003 + 5.12e-3 W, +- 0.004; at 10 m/s a root mean square slope of 13 degrees.
    assert np.degrees(np.arctan(np.sqrt(slope_variance(10.0)))) == pytest.approx(13.1, abs=0.1)


def test_all_light_together_is_fresnels_share_for_small_slopes() -> None:
    directions, weight = _hemisphere(700, 360)
    for zenith_deg in (0.0, 30.0, 50.0):
        sun = _direction(zenith_deg, 40.0)
        # Leaving over incoming power, per area of the sea.
        albedo = (glint_radiance_factor(sun, directions, 0.0, WATER) * weight).sum() / sun[2]
        assert albedo == pytest.approx(float(fresnel_reflectance(sun[2], WATER)), rel=0.02)


def test_no_more_light_leaves_than_comes() -> None:
    directions, weight = _hemisphere(200, 90)
    for zenith_deg in (0.0, 60.0, 80.0, 89.0):
        sun = _direction(zenith_deg, 0.0)
        albedo = (glint_radiance_factor(sun, directions, 8.0, WATER) * weight).sum() / sun[2]
        assert 0.01 < albedo < 1.0


def test_glint_is_brightest_where_a_mirror_shows_the_sun() -> None:
    sun = _direction(30.0, 90.0)
    directions, _ = _hemisphere(90, 360)
    values = glint_radiance_factor(sun, directions, 0.0, WATER)
    brightest = directions[np.unravel_index(values.argmax(), values.shape)]
    two_degrees = np.cos(np.radians(2.0))
    assert brightest @ _direction(30.0, 270.0) > two_degrees
    # There it is Fresnel's share over the slopes' spread, both being seen at 30 degrees.
    expected = fresnel_reflectance(sun[2], WATER) / (4 * np.pi * slope_variance(0.0) * sun[2])
    assert glint_radiance_factor(sun, _direction(30.0, 270.0), 0.0, WATER) == pytest.approx(float(expected), rel=1e-6)


def test_radiance_is_the_light_of_the_facets_that_mirror_into_it() -> None:
    # Facets of the slopes (east, north) that mirror the sun into a small solid angle, found by stepping the direction.
    sun, out, step = _direction(20.0, 30.0), _direction(35.0, 260.0), 1e-5

    def slopes(direction: Float64) -> Float64:
        facet = sun + direction / np.linalg.norm(direction)
        return np.array([-facet[0] / facet[2], -facet[1] / facet[2]])

    aside = np.cross(out, [0.0, 0.0, 1.0]) / np.linalg.norm(np.cross(out, [0.0, 0.0, 1.0]))
    changes = [
        (slopes(out + step * way) - slopes(out - step * way)) / (2 * step) for way in (aside, np.cross(out, aside))
    ]
    slopes_per_sr = abs(changes[0][0] * changes[1][1] - changes[0][1] * changes[1][0])
    facet = (sun + out) / np.linalg.norm(sun + out)
    variance = 0.003 + 0.00512 * 6.0
    likely = np.exp(-(slopes(out) @ slopes(out)) / variance) / (np.pi * variance)
    # A facet of slope beta is 1 / cos(beta) of its ground; it takes the sun's light by the cosine of incidence.
    takes = (sun @ facet) / facet[2]
    expected = float(fresnel_reflectance(sun @ facet, WATER)) * takes * likely * slopes_per_sr / out[2]
    assert slopes(out) @ slopes(out) > 0.05
    # Seen so steeply, facets hide less than a thousandth of each other.
    assert glint_radiance_factor(sun, out, 6.0, WATER) == pytest.approx(expected, rel=1e-3)


def test_light_takes_the_same_way_back() -> None:
    a, b = _direction(25.0, 10.0), _direction(60.0, 150.0)
    forth = glint_radiance_factor(a, b, 6.0, WATER) / a[2]
    back = glint_radiance_factor(b, a, 6.0, WATER) / b[2]
    assert forth == pytest.approx(float(back), rel=1e-12)


def test_wind_spreads_the_glint() -> None:
    sun, mirror, beside = _direction(30.0, 0.0), _direction(30.0, 180.0), _direction(30.0, 90.0)
    calm, windy = (glint_radiance_factor(sun, np.array([mirror, beside]), wind, WATER) for wind in (1.0, 10.0))
    assert calm[0] > windy[0]
    assert calm[1] < windy[1]


def test_nothing_glints_at_night_or_below_the_horizon() -> None:
    up, down, horizon = _direction(30.0, 0.0), _direction(100.0, 0.0), _direction(89.9, 180.0)
    assert glint_radiance_factor(down, up, 6.0, WATER) == 0.0
    assert glint_radiance_factor(up, down, 6.0, WATER) == 0.0
    # The sun on the horizon, and opposite it a satellite there: large, but finite.
    assert 0.0 < glint_radiance_factor(_direction(89.9, 0.0), horizon, 6.0, WATER) < 100.0
    # Sun and satellite on opposite horizons have no facet that stands up.
    assert np.isfinite(glint_radiance_factor([0.0, 1.0, 0.0], [0.0, -1.0, 0.0], 6.0, WATER))
