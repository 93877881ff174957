"""What is true of a run and of each of its frames."""

import dataclasses
import json

import jsonschema
import numpy as np
import pytest

from sat_emulator.sensor.detectability import View
from sat_emulator.sensor.truth import frame_truth, truth_records
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.runtime.truth_schemas import FRAME_TRUTH, TRUTH
from services.scenario.model import Aircraft, Cloud, Fire, Flare, Glint, Lightning, Place, Scenario, Sensor, Train
from services.scenario.references import reference_rocket
from services.scenario.resolve import end_unix_ns, resolve_satellites, start_unix_ns
from tests.sat_emulator.sensor import seen

SENSOR = Sensor(rows=128, columns=128)
LAUNCH = Place(-31.0, 136.6, 100.0)
ROCKET = reference_rocket(
    reference="short_range_liquid", id="r", launch=dataclasses.asdict(LAUNCH), launch_time_s=3.0, heading_deg=315.0
)
FIRE = Fire("f", seen.AREA, 3e4, flicker=0.0)
SCENARIO = seen.scenario(SENSOR, rockets=(ROCKET,), fires=(FIRE,), train=Train(satellites=2, span_deg=8.0))


def _records(scenario: Scenario) -> list[dict[str, object]]:
    return truth_records(scenario, resolve_satellites(scenario))


def _view(scenario: Scenario, index: int = 0) -> View:
    return View(seen.sources(scenario)[index])


def test_records_are_what_the_score_reads() -> None:
    rocket, fire = truth_records(SCENARIO, resolve_satellites(SCENARIO))
    for record in (rocket, fire):
        jsonschema.validate(json.loads(json.dumps(record)), TRUTH)
    launch = start_unix_ns(SCENARIO) + 3 * NS_PER_S
    assert set(rocket) == {"object_id", "class", "launch_time_unix_ns", "launch", "track", "first_detectable_unix_ns"}
    assert (rocket["object_id"], rocket["class"], rocket["launch_time_unix_ns"]) == ("r", "ballistic", launch)
    assert rocket["launch"] == pytest.approx(dataclasses.asdict(LAUNCH), abs=1e-6)
    times = [point["time_unix_ns"] for point in rocket["track"]]
    assert (times[0], times[1] - times[0], times[-1]) == (launch, NS_PER_S, end_unix_ns(SCENARIO))
    place = geodetic_to_itrs(LAUNCH.latitude_deg, LAUNCH.longitude_deg, LAUNCH.height_m)
    assert rocket["track"][0]["position_itrs_m"] == pytest.approx(place.tolist(), abs=1e-3)
    assert launch < rocket["first_detectable_unix_ns"] < launch + 5 * NS_PER_S
    assert (fire["object_id"], fire["class"]) == ("f", "static_heat")
    assert fire["launch_time_unix_ns"] == start_unix_ns(SCENARIO)
    assert len(fire["track"]) == 2
    assert fire["track"][0]["position_itrs_m"] == fire["track"][-1]["position_itrs_m"]
    # It is there from the first frame on, which is read out 70 ms after its start.
    assert fire["first_detectable_unix_ns"] == start_unix_ns(SCENARIO) + 70_000_000


def test_truth_is_the_same_for_another_seed() -> None:
    here, there = _records(SCENARIO), _records(dataclasses.replace(SCENARIO, seed=77))
    for ours, theirs in zip(here, there, strict=True):
        for key in ("object_id", "class", "launch_time_unix_ns", "launch", "track"):
            assert ours[key] == theirs[key]


def test_all_heat_that_is_no_threat_is_static() -> None:
    heat = seen.scenario(
        SENSOR,
        fires=(FIRE, Fire("many", seen.AREA, 1e3, count=3, within_m=1e4)),
        flares=(Flare("flare", seen.AREA),),
        lightnings=(Lightning("storm", seen.AREA),),
        aircraft=(Aircraft("plane", (Place(-31.0, 136.0, 1e4), Place(-30.0, 137.0, 1e4))),),
        glints=(Glint("lake", seen.AREA),),
        train=Train(satellites=1),
    )
    records = _records(heat)
    assert {record["class"] for record in records} == {"static_heat"}
    names = {record["object_id"] for record in records}
    assert names == {"f", "many-1", "many-2", "many-3", "flare", "storm", "plane", "lake"}
    for record in records:
        jsonschema.validate(json.loads(json.dumps(record)), TRUTH)


def test_what_is_nowhere_during_the_run_has_no_record() -> None:
    way = (Place(-31.0, 136.0, 1e4), Place(-30.99, 136.0, 1e4))
    landed, late = Aircraft("landed", way, start_time_s=-100.0), Aircraft("late", way, start_time_s=100.0)
    under_way = Aircraft("under-way", way, start_time_s=-1.0)
    records = _records(seen.scenario(SENSOR, aircraft=(landed, under_way, late), train=Train(satellites=1)))
    assert [record["object_id"] for record in records] == ["under-way"]


def test_what_nobody_can_see_is_never_detectable() -> None:
    faint = dataclasses.replace(SCENARIO, rockets=(), fires=(dataclasses.replace(FIRE, radiant_intensity_w_per_sr=10),))
    (record,) = _records(faint)
    assert record["first_detectable_unix_ns"] is None
    assert truth_records(SCENARIO, []) == []


def test_one_satellite_alone_is_enough_for_itself_and_two_wait_for_the_later() -> None:
    satellites = resolve_satellites(SCENARIO)
    alone = [truth_records(SCENARIO, [satellite])[0]["first_detectable_unix_ns"] for satellite in satellites]
    together = truth_records(SCENARIO, satellites)[0]["first_detectable_unix_ns"]
    assert together == max(alone)


def test_frame_truth_has_every_field_and_fits_its_schema() -> None:
    view = _view(SCENARIO)
    truth = frame_truth(view, 20)
    jsonschema.validate(json.loads(json.dumps(truth)), FRAME_TRUTH)
    source = view.source
    assert (truth["satellite_id"], truth["sequence"]) == ("sat-1", 20)
    assert truth["time_unix_ns"] == source.mid_exposure_unix_ns(20)
    assert [each["object_id"] for each in truth["objects"]] == ["r", "f"]
    rocket, fire = truth["objects"]
    assert (rocket["class"], fire["class"]) == ("ballistic", "static_heat")
    assert fire["radiant_intensity_w_per_sr"] == pytest.approx(3e4)
    assert fire["position_itrs_m"] == pytest.approx(
        geodetic_to_itrs(seen.AREA.latitude_deg, seen.AREA.longitude_deg, 120.0).tolist(), abs=5.0
    )


def test_frame_truths_pixel_is_where_the_light_is() -> None:
    view = _view(
        seen.scenario(
            seen.steady(SENSOR, hot_fraction=0.0), fires=(dataclasses.replace(FIRE, radiant_intensity_w_per_sr=3e6),)
        )
    )
    (fire,) = frame_truth(view, 20)["objects"]
    # By hand: the place into the camera's axes, by the pose that the frame reports.
    frame = view.source.frame(20)
    assert frame.pose is not None
    exposure = view.source.exposure(20)
    sight = exposure.itrs_from_gcrs.T @ np.array(fire["position_itrs_m"]) - frame.pose.position_gcrs_m
    row, column = view.source.camera.project(frame.pose.rotation_camera_to_gcrs.T @ sight)
    assert (fire["row"], fire["column"]) == pytest.approx((row[0], column[0]), abs=1e-3)
    light = frame.counts.astype(float) - np.median(frame.counts)
    light[light < 0.02 * light.max()] = 0.0
    rows, columns = np.mgrid[0:128, 0:128]
    found = ((rows * light).sum() / light.sum(), (columns * light).sum() / light.sum())
    assert found == pytest.approx((row[0], column[0]), abs=0.05)


def test_frame_truths_pixel_has_the_pointing_error_in_it() -> None:
    shaky = dataclasses.replace(SENSOR, jitter_rad=2e-3)
    still, moved = (
        frame_truth(_view(seen.scenario(sensor, fires=(FIRE,))), 7) for sensor in (seen.steady(SENSOR), shaky)
    )
    apart = [still["objects"][0][axis] - moved["objects"][0][axis] for axis in ("row", "column")]
    assert 0.1 < np.hypot(*apart) < 10


def test_frame_truths_ratio_is_the_views() -> None:
    view = _view(SCENARIO)
    signals = view.signals(20)
    for said, signal in zip(frame_truth(view, 20)["objects"], signals, strict=True):
        assert said["snr"] == pytest.approx(signal.snr, abs=1e-3)
        assert said["scnr"] == pytest.approx(signal.scnr, abs=1e-3)
        assert said["scnr"] <= said["snr"]
        # The electrons behind it are those of the irradiance that is stated.
        electrons = said["irradiance_w_per_m2"] * view.source.radiometer.electrons_per_w_per_m2
        assert electrons == pytest.approx(signal.spot.electrons, rel=1e-9)


def test_cloud_hides_what_is_below_its_top_and_not_what_is_above() -> None:
    low, high = dataclasses.replace(seen.AREA, height_m=5900.0), dataclasses.replace(seen.AREA, height_m=6100.0)
    fires = (Fire("low", low, 1e6, flicker=0.0), Fire("high", high, 1e6, flicker=0.0))
    overcast = seen.scenario(SENSOR, fires=fires, cloud=Cloud(cover=1.0, top_m=6000.0))
    assert [each["object_id"] for each in frame_truth(_view(overcast), 20)["objects"]] == ["high"]
    clear = dataclasses.replace(overcast, cloud=seen.CLEAR_SKY)
    assert [each["object_id"] for each in frame_truth(_view(clear), 20)["objects"]] == ["low", "high"]
    # Under broken cloud the light comes through as far as the sky is clear there.
    source = seen.sources(dataclasses.replace(overcast, cloud=Cloud(cover=0.5, edge_width=5.0, top_m=6000.0)))[0]
    (part, *_) = source.spots(source.exposure(20))
    whole = seen.sources(clear)[0].spots(source.exposure(20))[0]
    assert part.electrons == pytest.approx(whole.electrons * part.clear)
    assert 0 < part.clear < 1


def test_overcast_fire_is_never_detectable_and_a_rocket_is_once_above() -> None:
    overcast = dataclasses.replace(SCENARIO, cloud=Cloud(cover=1.0, top_m=500.0), train=Train(satellites=1))
    rocket, fire = _records(overcast)
    clear, _ = _records(dataclasses.replace(SCENARIO, train=Train(satellites=1)))
    assert fire["first_detectable_unix_ns"] is None
    first, in_clear_sky = rocket["first_detectable_unix_ns"], clear["first_detectable_unix_ns"]
    assert isinstance(first, int)
    assert isinstance(in_clear_sky, int)
    assert first > in_clear_sky
