"""The generic rockets fly as docs/scenarios.md says."""

from dataclasses import dataclass

import numpy as np
import pytest

from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import SEMI_MAJOR_M, itrs_to_geodetic
from services.geometry.geodesic import geodesic_inverse
from services.scenario.references import reference_rocket, rocket_names

LONGEST_S = 6000.0


@dataclass(frozen=True)
class Documented:
    """A row of the documents' table. range_m, flight_s: None: it stays in orbit."""

    kind: str
    range_m: float | None
    apogee_m: float
    burnout_s: float
    burnout_m_per_s: float
    flight_s: float | None


DOCUMENTED = {
    "short_range_liquid": Documented("ballistic", 301e3, 132e3, 62, 1656, 383),
    "medium_range_solid": Documented("ballistic", 1757e3, 493e3, 110, 3596, 781),
    "intercontinental_liquid": Documented("ballistic", 10_087e3, 2159e3, 244, 6855, 2541),
    "intercontinental_solid": Documented("ballistic", 10_303e3, 2729e3, 181, 7087, 2833),
    "glider": Documented("glide", 6791e3, 207e3, 117, 5571, 2182),
    "small_launcher": Documented("space_launch", None, 350e3, 390, 7214, None),
    "medium_launcher": Documented("space_launch", None, 400e3, 494, 7182, None),
}


def test_every_generic_rocket_is_in_the_table() -> None:
    assert sorted(DOCUMENTED) == rocket_names()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_generic_rocket_flies_as_documented(name: str) -> None:
    wanted = DOCUMENTED[name]
    # From the equator northwards, launchers from 5 degrees north eastwards.
    latitude, heading = (5.0, 90.0) if wanted.range_m is None else (0.0, 0.0)
    place = {"latitude_deg": latitude, "longitude_deg": 0.0}
    rocket = reference_rocket(id="r", reference=name, launch=place, launch_time_s=0.0, heading_deg=heading)
    assert rocket.target_class == wanted.kind
    flight = RocketFlight(rocket, LONGEST_S)
    assert flight.burnout_s == pytest.approx(wanted.burnout_s, abs=0.5)
    speed = np.linalg.norm(flight.state_itrs(flight.burnout_s - 1e-6)[1])
    assert speed == pytest.approx(wanted.burnout_m_per_s, rel=1e-3)
    times = np.linspace(0, flight.end_s, 300)
    positions = np.array([flight.state_itrs(time)[0] for time in times.tolist()])
    latitudes, longitudes, heights = itrs_to_geodetic(positions)
    three_per_cent = 0.03
    if wanted.range_m is None:
        assert flight.end_s == LONGEST_S
        above_m = np.linalg.norm(positions, axis=1)[times > flight.burnout_s] - SEMI_MAJOR_M
        # As near as the Earth's flattening lets an orbit be circular.
        twenty_km = 20e3
        assert above_m == pytest.approx(wanted.apogee_m, abs=twenty_km)
        return
    distance, _ = geodesic_inverse(0.0, 0.0, float(latitudes[-1]), float(longitudes[-1]))
    assert distance == pytest.approx(wanted.range_m, rel=three_per_cent)
    assert heights.max() == pytest.approx(wanted.apogee_m, rel=three_per_cent)
    assert flight.end_s == pytest.approx(wanted.flight_s, rel=three_per_cent)
    assert abs(heights[-1]) < 1.0
