"""What reaches a satellite: distance, light time, the Earth's turn and the air."""

import numpy as np
import pytest

from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.heat.received import received
from sat_emulator.scene.radiance import LIGHT_SPEED
from sat_emulator.scene.transmission import BandAir
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.frames import itrs_from_gcrs
from services.geometry.time import NS_PER_S
from services.scenario.model import Absorber

NOW = 1_782_043_200 * NS_PER_S
CLEAR = BandAir((Absorber(1.0, 0.0, 8000.0),))
HAZE = BandAir((Absorber(1.0, 1.0, 8000.0),))
GROUND = geodetic_to_itrs(10.0, 20.0, 0.0)
ABOVE = geodetic_to_itrs(10.0, 20.0, 1e6)


class Lamp:
    """A thousand watts per steradian between two instants, moving at one velocity."""

    truth_class: TruthClass = "static_heat"

    def __init__(
        self, velocity: Float64 | None = None, begin: int = 0, end: int = 2 * NOW, at: Float64 = GROUND
    ) -> None:
        self.id = "lamp"
        self._velocity = np.zeros(3) if velocity is None else velocity
        self._begin, self._end, self._at = begin, end, at

    def position_itrs_m(self, unix_ns: int) -> Float64 | None:
        if not self._begin <= unix_ns <= self._end:
            return None
        return self._at + self._velocity * (unix_ns - NOW) / NS_PER_S

    def emission(self, look: Look) -> Emission | None:
        position = self.position_itrs_m(look.unix_ns)
        return None if position is None else Emission(position, 1000.0)


def _seen(lamp: Lamp, satellite: Float64 = ABOVE, air: BandAir = CLEAR) -> tuple[Float64, float, float, float]:
    got = received(lamp, Look(NOW, 0.02, satellite), air)
    assert got is not None
    return got.position_itrs_m, got.radiant_intensity_w_per_sr, got.transmission, got.irradiance_w_per_m2


def test_irradiance_falls_with_the_square_of_distance() -> None:
    _, intensity, transmission, irradiance = _seen(Lamp())
    assert intensity == 1000.0
    assert transmission == 1.0
    assert irradiance == pytest.approx(1000.0 / 1e12, rel=1e-6)


def test_air_takes_its_part() -> None:
    _, intensity, transmission, irradiance = _seen(Lamp(), air=HAZE)
    assert intensity == 1000.0
    assert transmission == pytest.approx(np.exp(-1))
    assert irradiance == pytest.approx(np.exp(-1) * 1e-9, rel=1e-6)


def test_source_is_seen_where_it_was_when_the_light_left() -> None:
    velocity = np.array([0.0, 0.0, 7000.0])
    moved = _seen(Lamp(velocity))[0] - _seen(Lamp())[0]
    five_centimetres = 0.05
    assert np.linalg.norm(moved + velocity * 1e6 / LIGHT_SPEED) < five_centimetres


def test_place_at_rest_is_seen_where_inertial_axes_have_it() -> None:
    geostationary = geodetic_to_itrs(0.0, 40.0, 35_786_000.0)
    light_ns = round(float(np.linalg.norm(geostationary - GROUND)) / LIGHT_SPEED * NS_PER_S)
    gcrs = itrs_from_gcrs(NOW - light_ns).T @ GROUND
    five_centimetres = 0.05
    assert np.linalg.norm(_seen(Lamp(), geostationary)[0] - itrs_from_gcrs(NOW) @ gcrs) < five_centimetres


def test_light_of_what_has_just_gone_still_comes() -> None:
    light_ns = round(1e6 / LIGHT_SPEED * NS_PER_S)
    assert received(Lamp(end=NOW - light_ns // 2), Look(NOW, 0.02, ABOVE), CLEAR) is not None
    assert received(Lamp(end=NOW - 2 * light_ns), Look(NOW, 0.02, ABOVE), CLEAR) is None
    # And of what has just come it does not come yet.
    assert received(Lamp(begin=NOW - light_ns // 2), Look(NOW, 0.02, ABOVE), CLEAR) is None
    assert received(Lamp(begin=NOW - 2 * light_ns), Look(NOW, 0.02, ABOVE), CLEAR) is not None


def test_earth_hides_what_is_behind_it() -> None:
    assert received(Lamp(), Look(NOW, 0.02, geodetic_to_itrs(10.0, 80.0, 1e6)), CLEAR) is None
    high = geodetic_to_itrs(10.0, 20.0, 3e5)
    low_sight = geodetic_to_itrs(10.0, 50.0, 1e6)
    assert received(Lamp(at=high), Look(NOW, 0.02, low_sight), CLEAR) is not None
