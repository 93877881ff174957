"""What counts as something else that moves near a track."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.ground_station.tracking.airliners import COMPANY_S
from services.ground_station.tracking.bank.models import STATIC
from services.ground_station.tracking.company import had_company, has_company, note_company
from services.ground_station.tracking.records import STAYS, TRACK, TRACKLET, UNDECIDED
from services.ground_station.tracking.sensors import SENSOR

NOW_S = 100.0
EAST, NORTH, UP = east_north_up(0.0, 0.0)
NOBODY = {TRACK: np.zeros(0, dtype=TRACK), TRACKLET: np.zeros(0, dtype=TRACKLET)}
# What the track looks like that two satellites see: 2 km up.
CROSSING = geodetic_to_itrs(0.0, 0.0, 2000.0)


def three_satellites() -> NDArray[np.void]:
    """Return records of satellites over the equator, 1,100 km up, some hundred kilometres apart, that just looked."""
    records = np.zeros(3, dtype=SENSOR)
    east_m = np.array([-5e5, 5e5, 0.0])
    records["position"] = geodetic_to_itrs(0.0, 0.0, 1.1e6) + east_m[:, None] * EAST + 3e5 * NORTH
    records["time_s"] = NOW_S
    return records


SENSORS = three_satellites()
SENSORS.flags.writeable = False


def followed(kind: np.dtype[np.void], **changes: float) -> NDArray[np.void]:
    """Return one record of another airliner 30 km away, but for what is changed."""
    its = {"away_m": 30_000.0, "height_m": 4_000.0, "hits": 3, "motion": UNDECIDED, "unseen_s": 1.0}
    its |= {"rests": 0.01, "m_per_s": 240.0, "sigma_m_per_s": 20.0} | changes
    place = geodetic_to_itrs(0.0, 0.0, its["height_m"]) + its["away_m"] * EAST
    records = there(kind, place, its["m_per_s"], its["sigma_m_per_s"])
    if kind == TRACK:
        records["probability"][0, STATIC] = its["rests"]
        records["covariance"][0] = np.diag(np.full(9, 500.0**2))
    records["hits"], records["motion"] = its["hits"], its["motion"]
    records["last_hit_s"] = NOW_S - its["unseen_s"]
    return records


def there(
    kind: np.dtype[np.void], place: NDArray[np.float64], m_per_s: float, sigma_m_per_s: float
) -> NDArray[np.void]:
    """Return one record at a place that was seen a moment ago, once."""
    records = np.zeros(1, dtype=kind)
    state = records["mean" if kind == TRACK else "x"][0]
    state[:3], state[3:6] = place, m_per_s * EAST
    if kind == TRACKLET:
        records["p"][0] = np.diag(np.full(6, sigma_m_per_s**2))
    records["serial"], records["hits"], records["last_hit_s"] = 2, 1, NOW_S - 1.0
    return records


def own_track() -> NDArray[np.void]:
    """Return the track that satellites 0 and 1 alone see."""
    records = there(TRACK, CROSSING, 240.0, 20.0)
    records["serial"], records["sensors"], records["company_s"] = 1, 0b11, np.nan
    return records


def is_met(other: NDArray[np.void], sensors: NDArray[np.void] = SENSORS) -> bool:
    own, others = own_track(), NOBODY | {other.dtype: other}
    return bool(has_company(own[0], np.concatenate([own, others[TRACK]]), others[TRACKLET], sensors.copy(), NOW_S))


@pytest.mark.parametrize("kind", [TRACK, TRACKLET], ids=["in space", "of one satellite"])
def test_what_moves_near_by_is_company(kind: np.dtype[np.void]) -> None:
    assert is_met(followed(kind))


@pytest.mark.parametrize("kind", [TRACK, TRACKLET], ids=["in space", "of one satellite"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"away_m": 70_000.0}, id="too far away"),
        pytest.param({"motion": STAYS}, id="it stays"),
        pytest.param({"hits": 2}, id="it may be clutter"),
        pytest.param({"unseen_s": 6.0}, id="not seen lately"),
    ],
)
def test_anything_else_is_not(kind: np.dtype[np.void], changes: dict[str, float]) -> None:
    assert not is_met(followed(kind, **changes))


def test_what_may_rest_is_not() -> None:
    assert not is_met(followed(TRACK, rests=0.2))
    assert not is_met(followed(TRACKLET, m_per_s=10.0))
    assert not is_met(followed(TRACKLET, sigma_m_per_s=100.0))


def test_what_is_higher_than_any_fire_is_company_though_it_may_rest() -> None:
    assert is_met(followed(TRACK, rests=0.9, height_m=11_000.0))
    assert not is_met(followed(TRACK, rests=0.9, height_m=7_000.0))


def test_nothing_is_its_own_company() -> None:
    own = own_track()
    own["hits"] = 9
    assert not has_company(own[0], own, NOBODY[TRACKLET], SENSORS.copy(), NOW_S)


def airliner_behind(satellite: int, height_m: float) -> NDArray[np.float64]:
    """Return the place at a height on the line of sight of a satellite to the track, (3,)."""
    origin = SENSORS["position"][satellite]
    toward = (CROSSING - origin) / np.linalg.norm(CROSSING - origin)
    # The ground is flat enough over the ten kilometres.
    place: NDArray[np.float64] = CROSSING + (height_m - 2000.0) / (toward @ UP) * toward
    return place


@pytest.mark.parametrize(("seen_by", "height_m", "met"), [(1, 10_000.0, True), (2, 12_000.0, True), (0, 1e4, False)])
def test_one_look_that_meets_a_line_of_sight_to_the_track_on_an_airway_is_company(
    seen_by: int, height_m: float, met: bool
) -> None:
    # Satellite 0 would see an airliner here; so does another one, whose track over the ground lies beyond it.
    airliner, origin = airliner_behind(0, height_m), SENSORS["position"][seen_by]
    toward = (airliner - origin) / np.linalg.norm(airliner - origin)
    tracklet = there(TRACKLET, airliner - height_m / (toward @ UP) * toward, 0.0, 1000.0)
    tracklet["sensor"] = seen_by
    assert is_met(tracklet) == met
    track = there(TRACK, airliner, 0.0, 1000.0)
    track["probability"][0, STATIC], track["sensors"] = 0.9, 1 << seen_by
    assert is_met(track) == met


@pytest.mark.parametrize("height_m", [500.0, 20_000.0])
def test_a_look_that_meets_it_elsewhere_is_none(height_m: float) -> None:
    track = there(TRACK, airliner_behind(0, height_m), 0.0, 1000.0)
    track["probability"][0, STATIC], track["sensors"] = 0.9, 0b10
    assert not is_met(track)


def test_a_look_of_a_satellite_that_is_long_gone_is_none() -> None:
    track, gone = there(TRACK, airliner_behind(0, 1e4), 0.0, 1000.0), SENSORS.copy()
    track["probability"][0, STATIC], track["sensors"] = 0.9, 0b10
    assert is_met(track)
    gone["time_s"][1] = NOW_S - 6.0
    assert not is_met(track, gone)


def test_a_look_of_the_track_itself_is_none() -> None:
    own, other = own_track(), there(TRACKLET, geodetic_to_itrs(0.0, 0.0, 10_000.0), 0.0, 1000.0)
    own["mean"][0, :3], other["sensor"] = geodetic_to_itrs(0.0, 0.0, 10_500.0), 1
    assert not has_company(own[0], own, other, SENSORS.copy(), NOW_S)


def test_company_is_remembered_while_it_is_not_seen() -> None:
    own, other = own_track(), followed(TRACKLET)
    note_company(own[0], own, NOBODY[TRACKLET], SENSORS.copy(), NOW_S)
    assert not had_company(own[0], NOW_S)
    note_company(own[0], own, other, SENSORS.copy(), NOW_S)
    note_company(own[0], own, NOBODY[TRACKLET], SENSORS.copy(), NOW_S + 10.0)
    assert had_company(own[0], NOW_S + COMPANY_S - 0.1)
    assert not had_company(own[0], NOW_S + COMPANY_S)
