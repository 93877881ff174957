"""What may be an airliner is told as no threat, and is never said to have burnt, until its errors rule that out."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.ground_station.tracking import following
from services.ground_station.tracking.airliners import COMPANY_S, REMEMBERED_S, note_airliner
from services.ground_station.tracking.bank.models import BALLISTIC, BOOST, CRUISE
from services.ground_station.tracking.burning import AGAINST_AIRLINERS_S
from services.ground_station.tracking.changes import Changes, Ended
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import Naming, track, tracks
from services.ground_station.tracking.ending import NO_OBJECT, UNLIKELY, UNSEEN, why
from services.ground_station.tracking.histories import TRACK_LOOKS, empty_window
from services.ground_station.tracking.judgement.limits import limits_from
from services.ground_station.tracking.launches import LaunchRecord
from services.ground_station.tracking.records import CONFIRMED, MOVES, NONE, RAY, STAYS, TRACK, TRACKLET
from services.ground_station.tracking.rules import rules_from
from services.ground_station.tracking.sensors import SENSOR
from services.ground_station.tracking.snapshot import Ellipse, LaunchEstimate, TrackSnapshot
from tests.ground_station.tracking.looks import cone_look
from tests.ground_station.tracking.targets import SITE_ITRS_M

Float64 = NDArray[np.float64]

NOBODY = np.zeros(0, dtype=TRACKLET)
LOOK = cone_look("sat-1", 10**9, SITE_ITRS_M * 1.2, [])
NOW_S = 10.0


def flying(
    climb_deg: float,
    sigma_m_per_s: float,
    speed_m_per_s: float = 250.0,
    height_m: float = 10_000.0,
    boosting: float = 0.6,
    since_s: float = 0.5,
) -> NDArray[np.void]:
    """Return (1,) a track that was found to move a moment ago; sigma of its velocity, an axis."""
    _, north, up = east_north_up(20.0, 30.0)
    climb = math.radians(climb_deg)
    way = math.cos(climb) * north + math.sin(climb) * up
    records = np.zeros(1, dtype=TRACK)
    record = records[0]
    record["mean"][:3] = geodetic_to_itrs(20.0, 30.0, height_m)
    record["mean"][3:6] = speed_m_per_s * way
    record["mean"][6:9] = 20.0 * way
    record["covariance"] = np.diag([200.0**2] * 3 + [sigma_m_per_s**2] * 3 + [25.0] * 3)
    record["probability"][[BOOST, CRUISE, BALLISTIC]] = boosting, 0.9 * (1 - boosting), 0.1 * (1 - boosting)
    record["motion"], record["state"] = MOVES, CONFIRMED
    record["time_s"] = record["last_hit_s"] = record["judged_s"] = NOW_S
    record["first_s"], record["moved_s"] = NOW_S - 8.0, NOW_S - since_s
    record["detection"] = NONE
    for name in ("airliner_s", "company_s", "driven_s", "boosting_s", "burnt_s"):
        record[name] = np.nan
    record["inconsistent_s"] = record["intensity_w_per_sr"] = np.nan
    return records


def told(records: NDArray[np.void]) -> TrackSnapshot:
    return track(Naming("run", 0), records[0], LOOK, ("sat-1",), None)


@pytest.mark.parametrize("climb_deg", [0.0, 23.0, 40.0])
def test_climb_within_its_error_of_level_flight_is_no_threat(climb_deg: float) -> None:
    # What airliners found to move showed in their first second: 20 to 40 degrees, 15 to 20 degrees give or take.
    snapshot = told(flying(climb_deg, 80.0))
    assert snapshot.state == "tentative"
    assert not snapshot.moving


@pytest.mark.parametrize(("climb_deg", "sigma_m_per_s"), [(70.0, 40.0), (85.0, 50.0), (45.0, 20.0)])
def test_climb_that_no_error_explains_is_a_threat_at_once(climb_deg: float, sigma_m_per_s: float) -> None:
    snapshot = told(flying(climb_deg, sigma_m_per_s))
    assert snapshot.state == "confirmed"
    assert snapshot.moving


def test_steep_climb_whose_rise_an_error_explains_is_no_threat() -> None:
    # What an airliner showed that two satellites had missed for a second.
    assert told(flying(80.0, 60.0, speed_m_per_s=240.0)).state == "tentative"
    assert told(flying(80.0, 40.0, speed_m_per_s=240.0)).state == "confirmed"


def test_speed_that_no_error_explains_is_a_threat_at_once() -> None:
    assert told(flying(5.0, 60.0, speed_m_per_s=700.0)).state == "confirmed"
    assert told(flying(5.0, 80.0, speed_m_per_s=560.0)).state == "tentative"


def test_airliner_that_is_long_followed_may_seem_to_climb_by_its_error() -> None:
    # Nine degrees, two of which are its error.
    assert told(flying(9.0, 8.7, boosting=0.05, since_s=60.0)).state == "tentative"
    assert told(flying(12.0, 8.7, boosting=0.05, since_s=60.0)).state == "confirmed"


def test_what_flew_as_an_airliner_lately_is_held_for_one() -> None:
    records = flying(12.0, 8.7, boosting=0.05, since_s=400.0)
    assert told(records).state == "confirmed"
    records["airliner_s"] = NOW_S - REMEMBERED_S + 1.0
    assert told(records).state == "tentative"
    records["airliner_s"] = NOW_S - REMEMBERED_S - 1.0
    assert told(records).state == "confirmed"
    records["airliner_s"], records["boosting_s"] = NOW_S - 1.0, NOW_S
    assert told(records).state == "confirmed"


@pytest.mark.parametrize(
    ("climb_deg", "speed_m_per_s", "height_m"),
    [
        pytest.param(-25.0, 250.0, 8_000.0, id="sinks"),
        pytest.param(0.0, 360.0, 57_000.0, id="too high for wings"),
        pytest.param(10.0, 900.0, 120_000.0, id="climbs as no rocket does"),
    ],
)
def test_what_cannot_be_hot_is_no_threat(climb_deg: float, speed_m_per_s: float, height_m: float) -> None:
    records = flying(climb_deg, 8.0, speed_m_per_s, height_m, boosting=0.05, since_s=60.0)
    assert told(records).state == "tentative"
    # A rocket that has burnt out is hot yet.
    records["boosting_s"] = NOW_S - 5.0
    assert told(records).state == "confirmed"
    fast = flying(climb_deg, 8.0, 1100.0, height_m, boosting=0.05, since_s=60.0)
    assert told(fast).state == "confirmed"


@pytest.mark.parametrize(("climb_deg", "noted"), [(0.0, True), (-25.0, True), (25.0, False)])
def test_level_flight_on_an_airway_and_falling_are_remembered(climb_deg: float, noted: bool) -> None:
    records = flying(climb_deg, 8.0, boosting=0.05)
    note_airliner(records[0], NOW_S)
    assert (records["airliner_s"][0] == NOW_S) == noted
    records["airliner_s"] = np.nan
    note_airliner(records[0], NOW_S + 1.0)
    assert np.isnan(records["airliner_s"][0])


@pytest.mark.parametrize(("sigma_m_per_s", "kept"), [(60.0, True), (10.0, False)])
def test_what_may_still_be_an_airliner_stays_one(sigma_m_per_s: float, kept: bool) -> None:
    records = flying(40.0, sigma_m_per_s, boosting=0.05, since_s=60.0)
    records["airliner_s"] = NOW_S - REMEMBERED_S + 1.0
    note_airliner(records[0], NOW_S)
    assert (records["airliner_s"][0] == NOW_S) == kept
    records["airliner_s"] = NOW_S - REMEMBERED_S - 1.0
    note_airliner(records[0], NOW_S)
    assert records["airliner_s"][0] == NOW_S - REMEMBERED_S - 1.0


def test_level_flight_surely_off_the_airways_is_held_for_an_airliner_no_longer() -> None:
    records = flying(0.0, 10.0, height_m=6_000.0, boosting=0.05, since_s=60.0)
    records["airliner_s"] = NOW_S - 10.0
    note_airliner(records[0], NOW_S)
    assert records["airliner_s"][0] == NOW_S - 10.0


def test_what_is_hardly_known_is_no_threat_unless_it_was_seen_to_boost() -> None:
    records = flying(45.0, 20.0, 1500.0, boosting=0.05, since_s=60.0)
    assert told(records).state == "confirmed"
    records["covariance"][0, :3, :3] = np.diag([6000.0**2] * 3)
    assert told(records).state == "tentative"
    records["boosting_s"] = NOW_S
    assert told(records).state == "confirmed"


def test_likely_thrust_in_level_flight_is_no_threat() -> None:
    # The boost model has been the likeliest by far for an instant, of an airliner that was found to move a second ago.
    assert told(flying(8.0, 20.0, speed_m_per_s=306.0, boosting=0.96, since_s=1.0)).state == "tentative"


def boosting_s(records: NDArray[np.void]) -> float:
    """Return when a track that was just seen is said to have been under thrust."""
    config = TrackingConfig()
    records["detection"] = 0
    following.decide(
        records,
        np.zeros(0, dtype=TRACKLET),
        np.zeros(1, dtype=SENSOR),
        np.zeros((1, TRACK_LOOKS), dtype=RAY),
        NOW_S,
        rules_from(config)[0],
        limits_from(config),
        config.confirm_score,
        empty_window(TRACK_LOOKS),
    )
    return float(records["boosting_s"][0])


def test_thrust_is_believed_only_where_no_error_explains_the_climb() -> None:
    assert math.isnan(boosting_s(flying(40.0, 80.0, boosting=0.9)))
    # Steep by chance: the angle is known better than the rise.
    assert math.isnan(boosting_s(flying(58.0, 60.0, speed_m_per_s=330.0, boosting=0.97)))
    assert boosting_s(flying(60.0, 5.0, boosting=0.9)) == NOW_S


def test_thrust_is_not_believed_of_what_is_anywhere() -> None:
    records = flying(60.0, 5.0, speed_m_per_s=5000.0, boosting=1.0)
    records["covariance"][0, :3, :3] = np.diag([3e4**2] * 3)
    assert math.isnan(boosting_s(records))


def test_thrust_is_believed_only_where_no_error_explains_the_speed() -> None:
    assert math.isnan(boosting_s(flying(5.0, 100.0, speed_m_per_s=650.0, boosting=0.9)))
    assert boosting_s(flying(5.0, 10.0, speed_m_per_s=650.0, boosting=0.9)) == NOW_S


def test_thrust_of_what_flew_as_an_airliner_is_believed_only_once_it_lasts() -> None:
    records = flying(60.0, 5.0, boosting=0.9)
    records["airliner_s"] = NOW_S - 300.0
    assert math.isnan(boosting_s(records))
    assert records["driven_s"][0] == NOW_S
    records["driven_s"] = NOW_S - AGAINST_AIRLINERS_S
    assert boosting_s(records) == NOW_S
    # A look that says otherwise begins it anew.
    wavers = flying(5.0, 5.0, boosting=0.9)
    wavers["driven_s"] = NOW_S - 1.0
    assert math.isnan(boosting_s(wavers))
    assert math.isnan(wavers["driven_s"][0])


def test_thrust_of_what_had_company_lately_is_believed_only_once_it_lasts() -> None:
    records = flying(60.0, 5.0, boosting=0.9)
    records["company_s"] = NOW_S - COMPANY_S + 0.5
    assert math.isnan(boosting_s(records))
    records["driven_s"] = NOW_S - AGAINST_AIRLINERS_S
    assert boosting_s(records) == NOW_S
    long_ago = flying(60.0, 5.0, boosting=0.9)
    long_ago["company_s"] = NOW_S - COMPANY_S - 0.5
    assert boosting_s(long_ago) == NOW_S


def test_what_had_company_lately_is_no_threat_until_it_is_surely_driven() -> None:
    # A crossing of two lines of sight that went on with one of the two airliners and leapt up to it.
    leaps = flying(58.0, 60.0, speed_m_per_s=356.0, height_m=4_300.0, boosting=0.98)
    assert told(leaps).state == "confirmed"
    leaps["company_s"] = NOW_S - 5.0
    assert told(leaps).state == "tentative"
    leaps["boosting_s"] = NOW_S
    assert told(leaps).state == "confirmed"


def test_airliner_that_has_long_been_followed_is_nothing_after_all() -> None:
    assert told(flying(2.0, 8.7, boosting=0.05, since_s=60.0)).refuted == "It flies as an airliner does."
    # Not while it may yet be something else, nor where it was lost and is anywhere by now.
    assert told(flying(2.0, 8.7, boosting=0.05, since_s=5.0)).refuted == ""
    assert told(flying(12.0, 8.7, boosting=0.05, since_s=60.0)).refuted == ""
    lost = flying(2.0, 80.0, boosting=0.05, since_s=60.0)
    lost["last_hit_s"] -= 12.0
    assert told(lost).refuted == ""
    assert told(lost).state == "tentative"


def test_many_tracks_are_told_at_once_as_one_by_one() -> None:
    records = np.concatenate([flying(2.0, 8.7, 250.0, since_s=60.0), flying(70.0, 40.0), flying(45.0, 20.0, 900.0)])
    records["serial"] = np.arange(3)
    records["motion"][1] = STAYS
    records["burnt_s"][2] = NOW_S - 2.0
    estimate = LaunchEstimate(0, 1.5, 20.0, 30.0, 0.0, Ellipse(1e3, 1e3, 0.0))
    launches = {2: LaunchRecord(None, NOW_S, estimate, NOW_S - 40.0, 12.0, 0.5)}
    naming = Naming("run", 0)
    alone = [track(naming, each, LOOK, ("sat-1",), launches.get(k)) for k, each in enumerate(records)]
    for one, other in zip(alone, tracks(naming, records, LOOK, ("sat-1",), launches), strict=True):
        assert one.kinematic is not None
        assert other.kinematic is not None
        assert one.kinematic.covariance.tolist() == other.kinematic.covariance.tolist()
        assert repr(one) == repr(other)


def test_track_that_was_of_no_object_is_nothing_after_all() -> None:
    records = flying(70.0, 40.0)
    ended = {code: Ended(records[0], why(code, 1.0), is_object=code not in NO_OBJECT) for code in (UNSEEN, UNLIKELY)}
    changes = Changes(LOOK, Naming("run", 0), ("sat-1",), records, NOBODY, tuple(ended.values()), (), {})
    unseen, unlikely = changes.endings()
    assert unseen.refuted == ""
    assert unlikely.refuted == unlikely.end_reason
