"""The generic rockets fly as their class does."""

import numpy as np
import pytest

from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.geodesic import geodesic_inverse
from services.scenario.references import reference_rocket, rocket_names


@pytest.mark.parametrize(
    ("name", "kind", "range_m", "apogee_m", "burnout_s"),
    [
        ("short_range_liquid", "ballistic", 300e3, 132e3, 62.0),
        ("medium_range_solid", "ballistic", 1750e3, 490e3, 110.0),
        ("intercontinental_liquid", "ballistic", 10_000e3, 2160e3, 244.0),
        ("intercontinental_solid", "ballistic", 10_300e3, 2730e3, 181.0),
        ("glider", "glide", 6800e3, 207e3, 117.0),
    ],
)
def test_class_flies_its_range(name: str, kind: str, range_m: float, apogee_m: float, burnout_s: float) -> None:
    place = {"latitude_deg": 0.0, "longitude_deg": 0.0}
    rocket = reference_rocket(id="r", reference=name, launch=place, launch_time_s=0.0, heading_deg=0.0)
    assert rocket.target_class == kind
    flight = RocketFlight(rocket, 6000.0)
    times = np.linspace(0, flight.end_s, 300).tolist()
    latitudes, longitudes, heights = itrs_to_geodetic(np.array([flight.state_itrs(time)[0] for time in times]))
    distance, _ = geodesic_inverse(0.0, 0.0, float(latitudes[-1]), float(longitudes[-1]))
    # What the references' comments and the documents say.
    assert distance == pytest.approx(range_m, rel=0.03)
    assert heights.max() == pytest.approx(apogee_m, rel=0.03)
    assert flight.burnout_s == burnout_s
    assert abs(heights[-1]) < 1.0


def test_every_generic_rocket_is_flown_by_a_test() -> None:
    assert rocket_names() == [
        "glider",
        "intercontinental_liquid",
        "intercontinental_solid",
        "medium_launcher",
        "medium_range_solid",
        "short_range_liquid",
        "small_launcher",
    ]
