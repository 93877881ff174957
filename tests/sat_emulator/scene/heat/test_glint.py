"""Sun glint of a small water: where, how bright, and through the air both ways."""

from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from sat_emulator.scene.heat.emission import Look
from sat_emulator.scene.heat.glint import SunGlint, down_transmission
from sat_emulator.scene.heat.received import received
from sat_emulator.scene.heat.sources import heat_sources
from sat_emulator.scene.transmission import BandAir
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.frames import itrs_from_gcrs
from services.geometry.sun import sun_direction_gcrs
from services.geometry.time import unix_ns
from services.scenario.model import Absorber, Background, Glint, Place, Scenario, Train
from services.scenario.references import band_absorbers, reference_sensor

PLACE = Place(30.0, 20.0, 100.0)
GLINT = Glint("g", PLACE)
# Two in the afternoon there: the sun at some 60 degrees.
DAY_UNIX_NS = unix_ns(datetime(2026, 6, 21, 13, 0, tzinfo=UTC))
NIGHT_UNIX_NS = unix_ns(datetime(2026, 6, 21, 23, 0, tzinfo=UTC))
POSITION = geodetic_to_itrs(30.0, 20.0, 100.0)
LOCAL = east_north_up(30.0, 20.0)
AIR = BandAir(band_absorbers("3.8um"))


def _mirrored_satellite(turned_deg: float = 0.0) -> NDArray[np.float64]:
    """Return a point 1,000 km away where a mirror shows the sun, or beside it."""
    sun = LOCAL @ itrs_from_gcrs(DAY_UNIX_NS) @ sun_direction_gcrs(DAY_UNIX_NS)
    azimuth = np.arctan2(-sun[0], -sun[1]) + np.radians(turned_deg)
    level = np.hypot(sun[0], sun[1])
    towards = np.array([level * np.sin(azimuth), level * np.cos(azimuth), sun[2]])
    position: NDArray[np.float64] = POSITION + 1e6 * LOCAL.T @ towards
    return position


def _glint(air: BandAir = AIR) -> SunGlint:
    return SunGlint(GLINT, reference_sensor(band="3.8um"), air)


def test_water_mirrors_the_sun_with_a_hundred_thousand_watts_per_steradian() -> None:
    # 6.6 W/m^2 of sun between 3.5 and 4.1 um, 2.4 % mirrored, over slopes of variance 0.0081: 1.5 W/m^2/sr overhead.
    emission = _glint().emission(Look(DAY_UNIX_NS, 0.02, _mirrored_satellite()))
    assert emission is not None
    clear = 6.6 * 0.0237 / (4 * np.pi * 0.00812) * GLINT.area_m2
    assert emission.radiant_intensity_w_per_sr == pytest.approx(0.85 * clear, rel=0.15)
    assert emission.position_itrs_m == pytest.approx(POSITION)


def test_it_is_dark_beside_the_mirror_and_at_night() -> None:
    straight, beside = (
        _glint().emission(Look(DAY_UNIX_NS, 0.02, _mirrored_satellite(turned))) for turned in (0.0, 60.0)
    )
    assert straight is not None
    assert beside is not None
    assert beside.radiant_intensity_w_per_sr < 1e-3 * straight.radiant_intensity_w_per_sr
    assert _glint().emission(Look(NIGHT_UNIX_NS, 0.02, geodetic_to_itrs(30.0, 20.0, 1e6))) is None
    assert _glint().emission(Look(DAY_UNIX_NS, 0.02, -POSITION)) is None


def test_without_a_sun_there_is_no_glint() -> None:
    look = Look(DAY_UNIX_NS, 0.02, _mirrored_satellite())
    sensor = reference_sensor(band="3.8um")
    for sun in (True, False):
        scenario = Scenario("a", train=Train(), glints=(GLINT,), background=Background(sun=sun))
        (glint,) = heat_sources(scenario, sensor)
        assert (glint.emission(look) is not None) == sun


def test_both_ways_through_the_air_take_each_part_of_the_band_twice() -> None:
    # Straight up and down from sea level: twice each part's depth.
    for band in ("2.7um", "3.8um"):
        air = BandAir(band_absorbers(band))
        both = down_transmission(air, 0.0, 1.0, 1.0) * air.transmission(0.0, 1.0)
        assert both == pytest.approx(float(air.shares @ np.exp(-2 * air.depths)), rel=1e-6)
        # As one part has taken what it takes on the way down, the way up takes less than by itself.
        assert both > air.transmission(0.0, 1.0) ** 2


def test_one_absorber_takes_its_part_once_each_way() -> None:
    air = BandAir((Absorber(1.0, 0.5, 8000.0),))
    assert down_transmission(air, 0.0, 1.0, 0.3) == pytest.approx(air.transmission(0.0, 1.0))


def test_opaque_air_gives_a_number() -> None:
    air = BandAir((Absorber(0.5, 1e5, 8000.0), Absorber(0.5, 2e5, 8000.0)))
    assert down_transmission(air, 0.0, 0.5, 0.5) == 0.0


def test_what_is_received_has_passed_both_ways() -> None:
    look = Look(DAY_UNIX_NS, 0.02, _mirrored_satellite())
    clear = BandAir((Absorber(1.0, 0.0, 8000.0),))
    seen = received(_glint(), look, AIR)
    unhindered = received(_glint(clear), look, clear)
    assert seen is not None
    assert unhindered is not None
    sun = LOCAL @ itrs_from_gcrs(DAY_UNIX_NS) @ sun_direction_gcrs(DAY_UNIX_NS)
    slant = np.exp(-100.0 / AIR.scale_heights_m) / sun[2]
    # A flat atmosphere, both elevations being the same and high.
    both = float(AIR.shares @ np.exp(-2 * AIR.depths * slant))
    assert seen.irradiance_w_per_m2 / unhindered.irradiance_w_per_m2 == pytest.approx(both, rel=1e-3)
