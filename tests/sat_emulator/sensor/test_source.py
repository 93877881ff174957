"""Emulated frames: what falls where, what repeats, what the pose says."""

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sat_emulator.frame import Frame
from sat_emulator.sensor.source import ground_pixel_m
from services.geometry.time import NS_PER_S, datetime_utc
from services.scenario.model import (
    Background,
    Cloud,
    Lightning,
    Place,
    Pointing,
    Satellite,
    Sensor,
    Train,
    Walker,
)
from services.scenario.references import reference_rocket
from services.scenario.resolve import start_unix_ns
from services.scenario.view import lens
from tests.sat_emulator.sensor import seen

# A quarter of the default camera on the same 1 mrad pixels, without pointing error; fires seen through clear air
# against a smooth ground, so that light alone says where they are.
SENSOR = seen.steady(Sensor(rows=256, columns=256, dead_fraction=0.0, hot_fraction=0.0))
FIRES = (
    seen.fire("middle", seen.AREA, 3e4),
    seen.fire("north", Place(-30.1, 136.1, 120.0), 3e4),
    seen.fire("south", Place(-31.6, 137.2, 120.0), 3e4),
)
# As the default camera sees such a ground through its band's air: there is little of it behind the fires.
SCENARIO = seen.scenario(
    SENSOR,
    fires=FIRES,
    atmosphere=seen.CLEAR_AIR,
    background=dataclasses.replace(seen.SMOOTH, land_temperature_k=240.0),
)


def _centroid(frame: Frame, row: float, column: float) -> tuple[float, float]:
    """Return the middle of the light above the surroundings, within 4 pixels of a place."""
    top, left = round(row) - 4, round(column) - 4
    cut = frame.counts[top : top + 9, left : left + 9].astype(float)
    rim = np.concatenate([cut[0], cut[-1], cut[:, 0], cut[:, -1]])
    light = cut - np.median(rim)
    rows, columns = np.mgrid[top : top + 9, left : left + 9]
    return float((rows * light).sum() / light.sum()), float((columns * light).sum() / light.sum())


def _skyfield_pixel(frame: Frame, place: Place, sensor: Sensor = SENSOR) -> tuple[float, float]:
    """Return the pixel of a ground point by Skyfield's own geodesy and a lens formula written out here."""
    from skyfield.api import load, wgs84

    mid = frame.exposure_start_unix_ns + round(frame.exposure_s * 0.5e9)
    time = load.timescale(builtin=True).from_datetime(datetime_utc(mid))
    site = wgs84.latlon(place.latitude_deg, place.longitude_deg, elevation_m=place.height_m)
    assert frame.pose is not None
    sight = frame.pose.rotation_camera_to_gcrs.T @ (site.at(time).position.m - frame.pose.position_gcrs_m)
    x, y, z = sight / np.linalg.norm(sight)
    theta = math.acos(z) if sensor.projection == "equidistant" else math.tan(math.acos(z))
    theta *= 1 + sensor.distortion_k1 * theta**2 + sensor.distortion_k2 * theta**4
    across = math.hypot(x, y)
    scale = theta / sensor.ifov_rad / across if across > 0 else 0.0
    return (sensor.rows - 1) / 2 + scale * y, (sensor.columns - 1) / 2 + scale * x


@pytest.mark.parametrize("index", range(4))
def test_fire_falls_on_the_pixel_that_another_geodesy_says(index: int) -> None:
    frame = seen.sources(SCENARIO)[index].frame(17)
    for fire in FIRES:
        row, column = _skyfield_pixel(frame, fire.place)
        assert _centroid(frame, row, column) == pytest.approx((row, column), abs=0.05), fire.id


def test_distortion_reaches_the_frame() -> None:
    bent = dataclasses.replace(SENSOR, distortion_k1=-0.6, distortion_k2=0.4)
    for sensor in (bent, dataclasses.replace(SENSOR, projection="gnomonic", distortion_k1=0.5)):
        frame = seen.sources(dataclasses.replace(SCENARIO, sensor=sensor))[1].frame(17)
        straight = _skyfield_pixel(frame, FIRES[2].place)
        row, column = _skyfield_pixel(frame, FIRES[2].place, sensor)
        assert math.dist((row, column), straight) > 0.3
        assert _centroid(frame, row, column) == pytest.approx((row, column), abs=0.05)
        assert frame.camera is not None
        assert (frame.camera.distortion_k1, frame.camera.projection) == (sensor.distortion_k1, sensor.projection)


def test_flashes_of_a_storm_whose_middle_is_far_off_the_detector_are_seen() -> None:
    # Its middle is 150 pixels and more beyond the border, and its flashes come from up to 500 km beside that.
    storm = Lightning("storm", Place(seen.AREA.latitude_deg - 4.0, seen.AREA.longitude_deg), 5e5, 600.0)
    sensor = dataclasses.replace(SENSOR, integration_s=0.4)
    source = seen.sources(dataclasses.replace(SCENARIO, fires=(), lightnings=(storm,), sensor=sensor))[1]
    exposures = [source.exposure(sequence) for sequence in range(len(source))]
    middle = source.sources[0].position_itrs_m(exposures[0].mid_unix_ns)
    assert middle is not None
    sights = [
        (middle - each.position_itrs_m) @ each.itrs_from_gcrs @ each.rotation_camera_to_gcrs for each in exposures
    ]
    beyond_px = [np.abs(np.ravel(source.camera.project(sight)) - 127.5).max() - 128 for sight in sights]
    assert min(beyond_px) > 150
    assert any(source.spots(each) for each in exposures)


def test_counts_of_a_point_say_its_irradiance() -> None:
    source = seen.sources(SCENARIO)[1]
    frame, exposure = source.frame(17), source.exposure(17)
    assert frame.camera is not None
    for spot in source.spots(exposure):
        top, left = round(spot.row) - 4, round(spot.column) - 4
        cut = frame.counts[top : top + 9, left : left + 9].astype(float)
        rim = np.concatenate([cut[0], cut[-1], cut[:, 0], cut[:, -1]])
        irradiance = (cut - rim.mean()).sum() * frame.camera.irradiance_w_per_m2_per_count
        # By hand: intensity over distance squared, through air that takes nothing.
        distance_m = float(np.linalg.norm(spot.light.position_itrs_m - exposure.position_itrs_m))
        assert irradiance == pytest.approx(3e4 / distance_m**2, rel=0.04)
        assert spot.clear == 1.0


def test_counts_of_the_ground_say_its_radiance() -> None:
    from sat_emulator.scene.radiance import band_radiance_w_per_m2_sr

    run = dataclasses.replace(SCENARIO, fires=())
    frame = seen.sources(run)[1].frame(17)
    assert frame.camera is not None
    counts = frame.counts[120:136, 120:136].mean() - SENSOR.offset_counts
    dark = SENSOR.dark_current_e_per_s * SENSOR.integration_s * (2**14 - 1 - 200) / 2e6
    radiance = (counts - dark) * frame.camera.radiance_w_per_m2_sr_per_count
    emitted = 0.85 * float(band_radiance_w_per_m2_sr(240.0, SENSOR.band_lower_m, SENSOR.band_upper_m))
    # Fixed pattern and noise of 256 pixels.
    assert radiance == pytest.approx(emitted, rel=0.01)


# A rocket in flight and one fire that stays, on ground and cloud with all their structure.
BUSY = seen.scenario(
    Sensor(rows=128, columns=160),
    background=Background(),
    cloud=Cloud(),
    fires=(dataclasses.replace(FIRES[0], flicker=0.1),),
    rockets=(reference_rocket(
        reference="short_range_liquid", id="r", launch={"latitude_deg": -31.0, "longitude_deg": 136.6},
        launch_time_s=2.0, heading_deg=315.0,
    ),),
)  # fmt: skip


def test_frame_follows_from_scenario_satellite_and_sequence_alone() -> None:
    first, second = seen.sources(BUSY)[:2]
    frame = first.frame(25)
    first.frame(26)
    again = seen.sources(BUSY)[0].frame(25)
    assert np.array_equal(frame.counts, again.counts)
    assert frame.counts.dtype == np.uint16
    assert frame.pose is not None
    assert again.pose is not None
    assert np.array_equal(frame.pose.rotation_camera_to_gcrs, again.pose.rotation_camera_to_gcrs)
    others = [first.frame(24), second.frame(25), seen.sources(dataclasses.replace(BUSY, seed=2))[0].frame(25)]
    assert not any(np.array_equal(frame.counts, other.counts) for other in others)


def test_threads_in_any_order_make_the_same_bytes() -> None:
    alone, shared = seen.sources(BUSY)[:2], seen.sources(BUSY)[:2]
    asked = [(satellite, sequence) for satellite in range(2) for sequence in (0, 7, 20, 21, 39)]
    serial = {ask: alone[ask[0]].frame(ask[1]).counts for ask in asked}
    shuffled = [asked[k] for k in np.random.default_rng(1).permutation(len(asked))]
    with ThreadPoolExecutor(4) as pool:
        frames = list(pool.map(lambda ask: (ask, shared[ask[0]].frame(ask[1]).counts), shuffled))
    for ask, counts in frames:
        assert np.array_equal(counts, serial[ask]), ask


def test_no_two_frames_have_noise_in_common() -> None:
    # Black ground, so that frames are noise alone; every pixel alike but for it.
    run = seen.scenario(
        seen.steady(SENSOR, gain_residue=0.0, offset_residue_e=0.0, dead_fraction=0.0, hot_fraction=0.0),
        atmosphere=seen.CLEAR_AIR,
        background=dataclasses.replace(seen.SMOOTH, land_temperature_k=150.0),
    )
    frames = [
        source.frame(sequence).counts.astype(float)
        for seed in (1, 2)
        for source in seen.sources(dataclasses.replace(run, seed=seed))
        for sequence in (0, 1, 20)
    ]
    noise = np.array([frame - frame.mean() for frame in frames])
    noise /= noise.std(axis=(1, 2), keepdims=True)
    pixels = noise[0].size
    for step in ((0, 0), (0, 1), (1, 0), (-2, 3), (0, 64)):
        flat, moved = noise.reshape(24, -1), np.roll(noise, step, axis=(1, 2)).reshape(24, -1)
        correlation = flat @ moved.T / pixels
        if step == (0, 0):
            correlation -= np.eye(24)
        assert np.abs(correlation).max() < 5 / math.sqrt(pixels), step


def test_times_are_the_same_for_all_satellites() -> None:
    run = dataclasses.replace(
        SCENARIO, sensor=dataclasses.replace(SENSOR, frame_rate_hz=3.0), duration_s=20.1, train=Train(satellites=2)
    )
    start = start_unix_ns(run)
    for source in seen.sources(run):
        # The last exposure starts before the run's end.
        assert len(source) == 61
        assert source.exposure_start_unix_ns(0) == start
        assert source.exposure_start_unix_ns(60) == start + 20 * NS_PER_S
        assert source.readout_end_unix_ns(60) == start + 20 * NS_PER_S + 70_000_000
        with pytest.raises(IndexError):
            source.exposure_start_unix_ns(61)
    frame = source.frame(1)
    assert (frame.sequence, frame.exposure_start_unix_ns) == (1, source.exposure_start_unix_ns(1))
    assert frame.readout_end_unix_ns == source.readout_end_unix_ns(1)


def test_whole_number_of_frames_gets_none_beyond_the_end() -> None:
    assert len(seen.sources(dataclasses.replace(SCENARIO, duration_s=90.0))[0]) == 180
    assert len(seen.sources(dataclasses.replace(SCENARIO, duration_s=1.0))[0]) == 2


@pytest.mark.parametrize(("jitter_rad", "drift_rad"), [(3e-4, 0.0), (0.0, 3e-4)])
def test_pointing_error_moves_the_image_and_not_the_reported_pose(jitter_rad: float, drift_rad: float) -> None:
    shaky = dataclasses.replace(SENSOR, jitter_rad=jitter_rad, drift_rad=drift_rad, drift_correlation_s=0.1)
    still_source = seen.sources(SCENARIO)[1]
    source = seen.sources(dataclasses.replace(SCENARIO, sensor=shaky))[1]
    offsets = []
    for sequence in range(40):
        frame, still = source.frame(sequence), still_source.exposure(sequence)
        assert frame.pose is not None
        assert np.array_equal(frame.pose.rotation_camera_to_gcrs, still.nominal_camera_to_gcrs)
        assert np.array_equal(still.rotation_camera_to_gcrs, still.nominal_camera_to_gcrs)
        row, column = _skyfield_pixel(frame, FIRES[0].place)
        found = _centroid(frame, row, column)
        offsets.append((found[0] - row, found[1] - column))
    # 0.3 mrad are 0.3 pixels, on each axis; 80 draws know it to 8 %.
    assert np.std(offsets) == pytest.approx(0.3, rel=0.3)
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.2


def test_cameras_that_look_down_or_are_named_see_frames_too() -> None:
    run = dataclasses.replace(
        SCENARIO,
        train=None,
        walker=Walker(2, 1, pointing=Pointing("nadir"), altitude_m=7e5),
        satellites=(Satellite("eye", pointing=Pointing("place", Place(0.0, 0.0)), sensor=Sensor(rows=64, columns=80)),),
        background=seen.SMOOTH,
        atmosphere=seen.scenario(SENSOR).atmosphere,
    )
    assert ground_pixel_m(run) == pytest.approx(700.0)
    eye, other = seen.sources(run)
    assert eye.satellite.id == "eye"
    # It looks through the Earth at its place, and straight down, respectively.
    assert other.frame(0).counts.mean() > other.sensor.offset_counts + 50
    assert eye.frame(0).counts.shape == (64, 80)


def test_gnomonic_camera_of_another_shape_works() -> None:
    sensor = dataclasses.replace(SENSOR, projection="gnomonic", rows=100, columns=130, bit_depth=12)
    frame = seen.sources(dataclasses.replace(SCENARIO, sensor=sensor))[0].frame(0)
    assert frame.counts.shape == (100, 130)
    # The fire in the middle: its light falls on four pixels.
    assert frame.counts[49:51, 64:66].min() > np.median(frame.counts) + 20
    assert frame.counts.max() < 4096


def test_camera_by_lengths_is_that_by_angle() -> None:
    by_length = dataclasses.replace(SENSOR, ifov_rad=5e-4, focal_length_m=0.03, pixel_pitch_m=3e-5)
    assert lens(by_length) == lens(SENSOR)
    frames = [seen.sources(dataclasses.replace(SCENARIO, sensor=sensor))[1].frame(3) for sensor in (SENSOR, by_length)]
    assert np.array_equal(frames[0].counts, frames[1].counts)


def test_bright_source_blooms_along_its_column() -> None:
    bright = dataclasses.replace(SCENARIO, fires=(seen.fire("bright", seen.AREA, 3e8),))
    source = seen.sources(bright)[1]
    counts = source.frame(17).counts
    full = np.argwhere(counts == 2**14 - 1)
    # The spread takes four pixels to both sides at most; the charge runs on.
    assert np.ptp(full[:, 1]) <= 8
    assert np.ptp(full[:, 0]) > 20
    sealed = dataclasses.replace(bright, sensor=dataclasses.replace(SENSOR, blooming=0.0))
    assert np.ptp(np.argwhere(seen.sources(sealed)[1].frame(17).counts == 2**14 - 1)[:, 0]) <= 8
