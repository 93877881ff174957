"""Truth records, and the shipped scenarios' promise that their rockets can be seen."""

import dataclasses

import numpy as np
import pytest

from sat_emulator.sensor.detectability import View
from sat_emulator.sensor.source import EmulatedSource
from sat_emulator.sensor.truth import truth_records
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.scenario.load import builtin_names, load_scenario
from services.scenario.model import Fire, Place, Scenario
from services.scenario.resolve import end_unix_ns, resolve_satellites, start_unix_ns
from services.scenario.view import check_launches_seen

DEFAULT = load_scenario("default")


def _views(scenario: Scenario) -> list[View]:
    return [View(EmulatedSource(scenario, satellite)) for satellite in resolve_satellites(scenario)]


def test_records_are_what_the_score_reads() -> None:
    rocket, fire = truth_records(DEFAULT, resolve_satellites(DEFAULT))
    launch = start_unix_ns(DEFAULT) + 3 * NS_PER_S
    assert set(rocket) == {"object_id", "class", "launch_time_unix_ns", "launch", "track", "first_detectable_unix_ns"}
    assert (rocket["object_id"], rocket["class"], rocket["launch_time_unix_ns"]) == ("rocket-1", "ballistic", launch)
    assert rocket["launch"] == {"latitude_deg": -30.9, "longitude_deg": 136.5, "height_m": 120.0}
    times = [point["time_unix_ns"] for point in rocket["track"]]
    assert (times[0], times[1] - times[0], times[-1]) == (launch, NS_PER_S, end_unix_ns(DEFAULT))
    assert rocket["track"][0]["position_itrs_m"] == geodetic_to_itrs(-30.9, 136.5, 120.0).tolist()
    assert launch < rocket["first_detectable_unix_ns"] < launch + 5 * NS_PER_S
    assert (fire["object_id"], fire["class"]) == ("fire-1", "static_heat")
    assert fire["launch_time_unix_ns"] == start_unix_ns(DEFAULT)
    assert fire["track"][0]["position_itrs_m"] == fire["track"][-1]["position_itrs_m"]


def test_what_nobody_can_see_is_never_detectable() -> None:
    faint = dataclasses.replace(DEFAULT, rockets=(), fires=(Fire("faint", Place(-31.0, 136.0), 10.0),))
    (record,) = truth_records(faint, resolve_satellites(faint))
    assert record["first_detectable_unix_ns"] is None


def test_one_satellite_alone_is_enough_for_itself() -> None:
    satellites = resolve_satellites(DEFAULT)
    alone = [truth_records(DEFAULT, [satellite])[0]["first_detectable_unix_ns"] for satellite in satellites]
    together = truth_records(DEFAULT, satellites)[0]["first_detectable_unix_ns"]
    assert together == sorted(alone)[1]


def test_closed_form_ratio_is_that_of_many_frames() -> None:
    # A faint fire on a smooth scene; the matched filter on the known place, over many exposures of the same instant.
    calm = dataclasses.replace(DEFAULT.background, temperature_sigma_k=0.0)
    sensor = dataclasses.replace(DEFAULT.sensor, rows=128, columns=128, jitter_rad=0.0)
    fire = Fire("f", Place(-30.9, 136.5), 2.5e4, flicker=0.0)
    scenario = dataclasses.replace(DEFAULT, background=calm, sensor=sensor, rockets=(), fires=(fire,), area=fire.place)
    satellite = resolve_satellites(scenario)[1]
    estimates = []
    for seed in range(150):
        source = EmulatedSource(dataclasses.replace(scenario, seed=seed), satellite)
        if seed == 0:
            background = source.background
            expected = View(source).snr(source.sources[0], 90)
        # The scene does not depend on the seed here, and is drawn once.
        source.__dict__["background"] = background
        frame = source.frame(90)
        pose = frame.pose
        assert pose is not None
        (spot,) = source.spots(source.mid_exposure_unix_ns(90), pose.position_gcrs_m, pose.rotation_camera_to_gcrs)
        from sat_emulator.sensor.optics import add_point

        shape = np.zeros(frame.counts.shape, np.float32)
        add_point(shape, spot.row, spot.column, 1.0, sensor.psf_sigma_px)
        around = shape > 0
        level = np.median(frame.counts[40:90, 40:90])
        estimates.append(float(((frame.counts - level) * shape)[around].sum()))
    assert np.mean(estimates) / np.std(estimates) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("name", builtin_names())
def test_shipped_scenarios_rockets_are_seen_soon_by_three(name: str) -> None:
    scenario = load_scenario(name)
    satellites = resolve_satellites(scenario)
    emulated = [satellite for satellite in satellites if satellite.replay is None]
    if not scenario.rockets or not emulated:
        pytest.skip("no emulated rocket in it")
    check_launches_seen(scenario, satellites)
    views = [View(EmulatedSource(scenario, satellite)) for satellite in emulated]
    for place, rocket in enumerate(scenario.rockets):
        sequence = round((rocket.launch_time_s + 25.0) * scenario.sensor.frame_rate_hz)
        ratios = sorted(view.snr(view.source.sources[place], sequence) for view in views)
        assert ratios[-3] > 20, rocket.id


def test_default_run_has_its_launch_at_once_and_a_fire_in_two_views() -> None:
    assert DEFAULT.rockets[0].launch_time_s <= 5.0
    views = _views(DEFAULT)
    ratios = sorted(view.snr(view.source.sources[1], 90) for view in views)
    assert 8 < ratios[-2] < 60


@pytest.mark.parametrize("seed", range(10))
def test_rocket_is_seen_by_three_wherever_it_rises(seed: int) -> None:
    generator = np.random.default_rng([2026, seed])
    launch = Place(generator.uniform(-65, 65), generator.uniform(-180, 180))
    rocket = dataclasses.replace(DEFAULT.rockets[0], launch=launch, heading_deg=generator.uniform(0, 360))
    scenario = dataclasses.replace(DEFAULT, seed=int(generator.integers(2**31)), rockets=(rocket,), fires=())
    sequence = round((rocket.launch_time_s + 20.0) * scenario.sensor.frame_rate_hz)
    ratios = sorted(view.snr(view.source.sources[0], sequence) for view in _views(scenario))
    assert ratios[-3] > 8
