"""Where satellites are between anchors: as SGP4 has them, to a few nanoseconds of light."""

import numpy as np
import pytest

from services.geometry.orbit import Orbit, propagate_teme
from services.relay.network.kernels.geometry import places_between
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.motion import SPAN_NS, Motion
from tests.relay import naive
from tests.relay.sky import SECOND_NS, START_UNIX_NS, real_constellation

MINUTE_NS = START_UNIX_NS - START_UNIX_NS % SPAN_NS


@pytest.fixture(scope="module")
def orbits() -> tuple[Orbit, ...]:
    return real_constellation().mesh.orbits


def test_places_between_anchors_leave_sgp4_by_less_than_a_metre(orbits: tuple[Orbit, ...]) -> None:
    motion = Motion(orbits)
    for offset_ns in range(0, 2 * SPAN_NS, 7 * SECOND_NS):
        exact, _, _ = propagate_teme(orbits, START_UNIX_NS + offset_ns)
        error_m = np.linalg.norm(motion.places_teme_m(START_UNIX_NS + offset_ns) - exact, axis=1)
        assert error_m.max() < 0.5


def test_light_times_between_satellites_are_good_to_four_nanoseconds() -> None:
    mesh = real_constellation().mesh
    first, second = mesh.links.T
    at = MINUTE_NS + SPAN_NS // 2
    places, (exact, _, _) = Motion(mesh.orbits).places_teme_m(at), propagate_teme(mesh.orbits, at)
    error_m = np.linalg.norm(places[first] - places[second], axis=1) - np.linalg.norm(
        exact[first] - exact[second], axis=1
    )
    assert np.abs(error_m).max() / LIGHT_M_PER_S < 4e-9


def test_places_at_a_whole_minute_are_sgp4s_own(orbits: tuple[Orbit, ...]) -> None:
    exact, _, _ = propagate_teme(orbits, MINUTE_NS)
    assert np.array_equal(Motion(orbits).places_teme_m(MINUTE_NS), exact)


def test_some_places_are_the_same_numbers_as_of_all(orbits: tuple[Orbit, ...]) -> None:
    motion = Motion(orbits)
    some = np.array([7, 0, 1583, 7], dtype=np.int32)
    assert np.array_equal(
        motion.some_places_teme_m(some, START_UNIX_NS + 1), motion.places_teme_m(START_UNIX_NS + 1)[some]
    )


def test_orbit_that_is_not_there_is_an_index_error(orbits: tuple[Orbit, ...]) -> None:
    for wrong in (-1, len(orbits)):
        with pytest.raises(IndexError):
            Motion(orbits).some_places_teme_m(np.array([wrong], dtype=np.int32), START_UNIX_NS)


def test_work_ahead_changes_no_place(orbits: tuple[Orbit, ...]) -> None:
    ahead, fresh = Motion(orbits), Motion(orbits)
    for second in range(0, 90, 5):
        ahead.work_ahead(MINUTE_NS + second * SECOND_NS)
    for offset_ns in (0, 59 * SECOND_NS, 119 * SECOND_NS, -600 * SECOND_NS):
        at = MINUTE_NS + offset_ns
        assert np.array_equal(ahead.places_teme_m(at), fresh.places_teme_m(at))


def test_anchor_after_the_next_is_there_before_the_last_slot_looks_beyond_it(
    orbits: tuple[Orbit, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    motion = Motion(orbits)
    for second in range(45):
        motion.work_ahead(MINUTE_NS + second * SECOND_NS)

    def refuse(*_: object) -> None:
        pytest.fail("an orbit is propagated when its place is needed")

    monkeypatch.setattr("services.relay.network.motion.propagate_teme", refuse)
    motion.places_teme_m(MINUTE_NS + 2 * SPAN_NS - 1)


def test_satellite_that_has_come_down_has_no_place_and_takes_no_other_with_it(orbits: tuple[Orbit, ...]) -> None:
    # Forty days after its epoch this one's drag has brought it down.
    fallen = Orbit.from_tle(
        "1 99999U 26001A   26130.50000000  .00000000  00000+0  90000-1 0  9990",
        "2 99999  53.0000   0.0000 0001000   0.0000   0.0000 16.40000000    18",
    )
    places = Motion((orbits[0], fallen, orbits[1])).places_teme_m(START_UNIX_NS)
    assert np.isnan(places[1]).all()
    assert np.array_equal(places[[0, 2]], Motion(orbits[:2]).places_teme_m(START_UNIX_NS))


def test_kernel_draws_the_cubic_through_both_states() -> None:
    rng = np.random.default_rng(6)
    before, after = rng.normal(0, 7e6, (2, 50, 3))
    before_speed, after_speed = rng.normal(0, 7e3, (2, 50, 3))
    places = np.empty((50, 3))
    for part in (0.0, 0.3, 0.999, 1.0):
        places_between(before, before_speed, after, after_speed, part, 60.0, places)
        expected = naive.places_between(before, before_speed, after, after_speed, part, 60.0)
        np.testing.assert_allclose(places, expected, rtol=0, atol=1e-6)
