"""Rockets of one kind side by side: whose is whose, and where they are, from looks that were dealt out at random."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.geodesic import geodesic_destination
from services.ground_station.tracking.crowd.common import Common, common_flight
from services.ground_station.tracking.crowd.looks import CrowdLooks, lay_out_looks
from services.ground_station.tracking.crowd.rehearsal import rehearse_crowd
from services.ground_station.tracking.crowd.untangling import untangle
from services.ground_station.tracking.records import RAY
from services.scenario.model import Place
from tests.ground_station.tracking.ascent.flights import EPOCH_OF_LAUNCH_S, Satellite, rocket, seen

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

SIGMA_RAD = 1e-4
# Pads (m east and north of the first one) and launches (s after it).
PADS = ((0.0, 0.0, 0.0), (350.0, 100.0, 0.5), (-250.0, 300.0, 1.1), (100.0, -450.0, 0.8))
LAST_S, SEEN = 32.0, 0.95
ODDS = math.log(SEEN / 4.4) - math.log(1.0 - SEEN)


@dataclass(frozen=True)
class Crowd:
    """Looks laid out, what they have in common, and the truth: whose each detection is, where each is at the end."""

    looks: CrowdLooks
    common: Common
    whose: Int64
    places: Float64


def crowd(seed: int, reference: str = "medium_range_solid") -> Crowd:
    rng = np.random.default_rng(seed)
    first = rocket(reference)
    satellites = [Satellite(first, azimuth) for azimuth in (20.0, 110.0, 200.0, 290.0)]
    rows, places = [], []
    for number, (east, north, late_s) in enumerate(PADS):
        azimuth = math.degrees(math.atan2(east, north))
        pad = geodesic_destination(
            first.launch.latitude_deg, first.launch.longitude_deg, azimuth, math.hypot(east, north)
        )
        flight = RocketFlight(replace(first, launch=Place(*pad, first.launch.height_m)), LAST_S + 10.0)
        # The looks' times are given after the flight's own launch.
        rays = seen(flight, satellites, 3.0 - late_s, round(LAST_S) - 3, SIGMA_RAD, rng)
        places.append(flight.state_itrs(LAST_S - late_s)[0])
        for k in np.flatnonzero(rng.random(len(rays)) < SEEN).tolist():
            time_s = float(rays.time_s[k]) + late_s
            # At the common time the satellite is farther on by so much than `seen` had it.
            sensor = int(rays.sensor[k])
            origin = satellites[sensor].at(time_s)
            place = flight.state_itrs(time_s - late_s - EPOCH_OF_LAUNCH_S)[0]
            los = place - origin
            los = los / np.linalg.norm(los) + SIGMA_RAD * rng.normal(size=3)
            rows.append((round(time_s, 6), sensor, origin, los / np.linalg.norm(los), number))
    rows.sort(key=lambda row: (row[0], row[1]))
    records = np.zeros(len(rows), dtype=RAY)
    for record, (time_s, sensor, origin, los, _) in zip(records, rows, strict=True):
        record["time_s"], record["sensor"], record["origin"], record["los"] = time_s, sensor, origin, los
    records["sigma_rad"] = SIGMA_RAD
    looks, means = lay_out_looks(records, ODDS)
    common = common_flight(means, EPOCH_OF_LAUNCH_S + LAST_S)
    assert common is not None
    return Crowd(looks, common, np.array([row[4] for row in rows]), np.array(places))


def untangled(one: Crowd, owner: Int64, anew: bool) -> tuple[float, float, Float64, Int64]:
    """Return the misfit, the error of the ways' ends (RMS, m), their stated sigmas (m), and whose each detection is."""
    m, width = len(PADS), len(one.common.parameters)
    x, known, middle_known = np.empty((m, width)), np.empty((m, width, width)), np.empty((width, width))
    output, jacobian = np.empty((m, 12)), np.empty((m, 9, width))
    shared = owner.copy()
    misfit = untangle(one.looks, one.common, shared, m, anew, x, known, middle_known, output, jacobian)
    apart = np.linalg.norm(output[:, None, :3] - one.places[None], axis=2)
    way, place = linear_sum_assignment(apart**2)
    units = np.outer(one.common.apart, one.common.apart)
    spread = jacobian @ ((known + known @ middle_known @ known) * units) @ jacobian.transpose(0, 2, 1)
    sigma = np.sqrt(np.trace(spread[:, :3, :3], axis1=1, axis2=2))
    return float(misfit), float(np.sqrt((apart[way, place] ** 2).mean())), sigma, place[shared]


@pytest.mark.parametrize("seed", [1, 2])
def test_ways_are_found_from_looks_dealt_out_at_random(seed: int) -> None:
    one = crowd(seed)
    dealt = np.random.default_rng(seed).integers(0, len(PADS), len(one.whose))
    misfit, error_m, sigma_m, whose = untangled(one, dealt, anew=True)
    known = untangled(one, one.whose, anew=False)
    assert misfit == pytest.approx(1.0, abs=0.15)
    # Nearly as good as for whoever begins with the truth.
    assert error_m < 1.3 * known[1] + 10.0
    assert np.mean(whose == one.whose) > np.mean(known[3] == one.whose) - 0.05
    assert np.mean(whose == one.whose) > 0.8
    # What it says of its errors is about true.
    assert 0.4 < error_m / math.sqrt(float((sigma_m**2).mean())) < 1.8


def test_true_sharing_is_kept() -> None:
    one = crowd(3)
    alone, again = untangled(one, one.whose, anew=False), untangled(one, one.whose, anew=True)
    assert again[1] == pytest.approx(alone[1], abs=20.0)


def test_looks_that_lead_nowhere_have_no_flight_in_common() -> None:
    rng = np.random.default_rng(4)
    one = crowd(4)
    records = np.zeros(len(one.whose), dtype=RAY)
    records["time_s"], records["sigma_rad"] = np.repeat(np.arange(len(one.whose) // 2 + 1), 2)[: len(records)], 1e-4
    records["sensor"] = np.arange(len(records)) % 2
    los = rng.normal(size=(len(records), 3))
    records["los"] = los / np.linalg.norm(los, axis=1)[:, None]
    records["origin"] = -7.4e6 * records["los"]
    assert common_flight(lay_out_looks(records, ODDS)[1], float(records["time_s"][-1])) is None


def test_rehearsed_rockets_are_told_apart() -> None:
    assert rehearse_crowd() == pytest.approx(1.0, abs=0.3)
