"""Rain on a ground link, held against the recommendation's own table and against Shannon."""

import math

import pytest

from services.relay.network.faults import Fault, FaultKind
from services.relay.network.link import Traffic
from services.relay.network.rain import (
    circular_coefficients,
    linear_coefficients,
    rain_attenuation_db,
    rate_factor,
    slant_path_m,
)
from services.relay.network.stream import StreamLink
from services.scenario.model import Network
from tests.relay.sketch import FRAME_BYTES, LONE_FRAME_NS, MS, PATH, ROUNDING_NS, no_way, sketched


@pytest.mark.parametrize(
    ("frequency_ghz", "k_h", "alpha_h", "k_v", "alpha_v"),
    [
        (1, 0.0000259, 0.9691, 0.0000308, 0.8592),
        (10, 0.01217, 1.2571, 0.01129, 1.2156),
        (12, 0.02386, 1.1825, 0.02455, 1.1216),
        (20, 0.09164, 1.0568, 0.09611, 0.9847),
        (30, 0.2403, 0.9485, 0.2291, 0.9129),
        (100, 1.3671, 0.6815, 1.3680, 0.6765),
    ],
)
def test_coefficients_are_those_of_itu_r_p_838_3_table_5(
    frequency_ghz: float, k_h: float, alpha_h: float, k_v: float, alpha_v: float
) -> None:
    # The table gives four figures of k and four decimals of alpha.
    found = linear_coefficients(frequency_ghz * 1e9)
    assert found[0] == pytest.approx(k_h, rel=2e-3)
    assert found[2] == pytest.approx(k_v, rel=2e-3)
    assert (found[1], found[3]) == pytest.approx((alpha_h, alpha_v), abs=6e-5)


def test_circular_polarisation_lies_between_the_linear_ones() -> None:
    k_h, alpha_h, k_v, alpha_v = linear_coefficients(2e10)
    k, alpha = circular_coefficients(2e10)
    for rate in (1.0, 10.0, 100.0):
        low, high = sorted((k_h * rate**alpha_h, k_v * rate**alpha_v))
        assert low <= k * rate**alpha <= high


def test_frequency_outside_the_recommendation_is_refused() -> None:
    with pytest.raises(ValueError, match="covers 1e9 to 1e12"):
        linear_coefficients(5e8)


def test_slant_path_is_height_over_sine_but_finite_at_the_horizon() -> None:
    assert slant_path_m(math.pi / 2) == pytest.approx(5000, rel=1e-3)
    assert slant_path_m(math.radians(25)) == pytest.approx(5000 / math.sin(math.radians(25)), rel=0.01)
    # The chord of a sphere of 8,500 km between its surface and 5 km above it.
    assert slant_path_m(0) == pytest.approx(math.sqrt(2 * 8.5e6 * 5000), rel=1e-3)


# The columns of docs/network.md: dB, and the share of the rate in per cent.
@pytest.mark.parametrize(
    ("rain_mm_per_h", "attenuation_db", "kept"),
    [(1.0, 0.6, 95), (2.0, 1.2, 91), (5.0, 3.1, 77), (10.0, 6.4, 54), (25.0, 16.7, 10), (50.0, 34.2, 0)],
)
def test_attenuation_and_rate_are_those_of_the_table(rain_mm_per_h: float, attenuation_db: float, kept: int) -> None:
    elevation_rad = math.radians(40)
    assert rain_attenuation_db(rain_mm_per_h, 1.82e10, elevation_rad) == pytest.approx(attenuation_db, abs=0.05)
    assert 100 * rate_factor(rain_mm_per_h, 1.82e10, elevation_rad, 12.0) == pytest.approx(kept, abs=0.5)


def test_rate_follows_what_rain_leaves_of_the_capacity() -> None:
    attenuation_db = rain_attenuation_db(10.0, 1.8e10, math.radians(40))
    rainy, clear = 10 ** ((12 - attenuation_db) / 10), 10**1.2
    kept = rate_factor(10.0, 1.8e10, math.radians(40), 12.0)
    assert kept == pytest.approx(math.log(1 + rainy) / math.log(1 + clear))
    assert 0 < kept < 1
    assert rate_factor(0.0, 1.8e10, math.radians(40), 12.0) == 1
    assert rate_factor(100.0, 1.8e10, math.radians(25), 12.0) == 0


def test_more_rain_and_lower_satellites_leave_less() -> None:
    kept = [rate_factor(rain, 1.8e10, math.radians(60), 12.0) for rain in (1, 2, 5, 10, 20)]
    assert kept == sorted(kept, reverse=True)
    assert rate_factor(5.0, 1.8e10, math.radians(30), 12.0) < rate_factor(5.0, 1.8e10, math.radians(60), 12.0)


def rain(mm_per_h: float, start_ns: int = 0, end_ns: int | None = None, gateway: str = "gate") -> Fault:
    """Return rain on a gateway."""
    return Fault("fault-1", FaultKind.RAIN, gateway, "", start_ns, end_ns, rain_mm_per_h=mm_per_h)


def arrival_ns(*faults: Fault) -> int:
    """Return how long a frame takes whose way comes down at `gate`."""
    network = Network()
    link = StreamLink(sketched(network), 1, "sat", Traffic.FRAMES)
    return link.retimed(link.carry(PATH, 0, FRAME_BYTES, 0), faults, no_way).arrival_unix_ns


def test_rain_slows_the_ground_link_and_delays_nothing_else() -> None:
    network = Network()
    kept = rate_factor(5.0, network.ground_frequency_hz, 1.0, network.clear_sky_snr_db)
    assert arrival_ns(rain(5.0)) - LONE_FRAME_NS == pytest.approx(10 * MS * (1 / kept - 1), abs=ROUNDING_NS)
    assert arrival_ns(rain(5.0), rain(2.0)) == arrival_ns(rain(5.0))
    dry = [rain(5.0, gateway="far-gate"), rain(5.0, 0, 2 * MS), rain(5.0, 3 * MS)]
    assert arrival_ns(*dry) == pytest.approx(LONE_FRAME_NS, abs=ROUNDING_NS)


def test_frame_on_a_link_that_rain_closes_is_lost_by_name() -> None:
    link = StreamLink(sketched(), 1, "sat", Traffic.FRAMES)
    transit = link.retimed(link.carry(PATH, 0, FRAME_BYTES, 0), [rain(150.0)], no_way)
    assert transit.lost == "rain closed the link from relay to gate"
