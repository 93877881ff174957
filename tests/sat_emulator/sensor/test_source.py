"""Emulated frames: what falls where, what repeats, what the pose says."""

import dataclasses
import math

import numpy as np
import pytest

from sat_emulator.frame import Frame
from sat_emulator.sensor.source import EmulatedSource, ground_pixel_m
from services.geometry.time import NS_PER_S, datetime_utc
from services.scenario.model import (
    Atmosphere,
    Background,
    Fire,
    Place,
    Pointing,
    Satellite,
    Scenario,
    Sensor,
    Train,
    Walker,
)
from services.scenario.resolve import resolve_satellites, start_unix_ns

# A quarter of the default camera on the same 1 mrad pixels, without pointing error; fires seen through clear air
# against a smooth ground, so that light alone says where they are.
SENSOR = Sensor(rows=256, columns=256, jitter_rad=0.0)
PLACE = Place(-30.9, 136.5, 120.0)


def _fire(name: str, latitude_deg: float, longitude_deg: float, intensity: float = 3e4) -> Fire:
    return Fire(name, Place(latitude_deg, longitude_deg, 120.0), intensity, flicker=0.0)


FIRES = (_fire("middle", -30.9, 136.5), _fire("north", -30.1, 136.1), _fire("south", -31.6, 137.2))
SCENARIO = Scenario(
    "a",
    area=PLACE,
    sensor=SENSOR,
    train=Train(),
    fires=FIRES,
    duration_s=20.0,
    atmosphere=Atmosphere(optical_depth=0.01),
    background=Background(temperature_sigma_k=0.0),
)


def _sources(scenario: Scenario) -> list[EmulatedSource]:
    return [EmulatedSource(scenario, satellite) for satellite in resolve_satellites(scenario)]


def _centroid(frame: Frame, row: float, column: float) -> tuple[float, float]:
    """Return the middle of the light above the surroundings, within 4 pixels of a place."""
    top, left = round(row) - 4, round(column) - 4
    cut = frame.counts[top : top + 9, left : left + 9].astype(float)
    rim = np.concatenate([cut[0], cut[-1], cut[:, 0], cut[:, -1]])
    light = cut - np.median(rim)
    rows, columns = np.mgrid[top : top + 9, left : left + 9]
    return float((rows * light).sum() / light.sum()), float((columns * light).sum() / light.sum())


def _skyfield_pixel(frame: Frame, place: Place) -> tuple[float, float]:
    """Return the pixel of a ground point by Skyfield's own geodesy and a lens formula written out here."""
    from skyfield.api import load, wgs84

    mid = frame.exposure_start_unix_ns + round(frame.exposure_s * 0.5e9)
    time = load.timescale(builtin=True).from_datetime(datetime_utc(mid))
    site = wgs84.latlon(place.latitude_deg, place.longitude_deg, elevation_m=place.height_m)
    assert frame.pose is not None
    sight = frame.pose.rotation_camera_to_gcrs.T @ (site.at(time).position.m - frame.pose.position_gcrs_m)
    x, y, z = sight / np.linalg.norm(sight)
    theta = math.acos(z)
    across = math.hypot(x, y)
    scale = theta / SENSOR.ifov_rad / across if across > 0 else 0.0
    return 127.5 + scale * y, 127.5 + scale * x


@pytest.mark.parametrize("index", range(4))
def test_fire_falls_on_the_pixel_that_another_geodesy_says(index: int) -> None:
    source = _sources(SCENARIO)[index]
    frame = source.frame(17)
    for fire in FIRES:
        row, column = _skyfield_pixel(frame, fire.place)
        assert _centroid(frame, row, column) == pytest.approx((row, column), abs=0.05), fire.id


def test_counts_of_a_point_say_its_irradiance() -> None:
    source = _sources(SCENARIO)[1]
    frame = source.frame(17)
    assert frame.pose is not None
    assert frame.camera is not None
    (spot, *_) = source.spots(
        source.mid_exposure_unix_ns(17), frame.pose.position_gcrs_m, frame.pose.rotation_camera_to_gcrs
    )
    top, left = round(spot.row) - 4, round(spot.column) - 4
    cut = frame.counts[top : top + 9, left : left + 9].astype(float)
    rim = np.concatenate([cut[0], cut[-1], cut[:, 0], cut[:, -1]])
    irradiance = (cut - rim.mean()).sum() * frame.camera.irradiance_w_per_m2_per_count
    assert spot.electrons == pytest.approx(irradiance * source.radiometer.electrons_per_w_per_m2, rel=0.03)


def test_frame_follows_from_scenario_satellite_and_sequence_alone() -> None:
    first, second = _sources(SCENARIO)[:2]
    frame = first.frame(5)
    first.frame(6)
    again = _sources(SCENARIO)[0].frame(5)
    assert np.array_equal(frame.counts, again.counts)
    assert frame.counts.dtype == np.uint16
    assert np.array_equal(frame.pose.rotation_camera_to_gcrs, again.pose.rotation_camera_to_gcrs)  # type: ignore[union-attr]
    others = [
        first.frame(4),
        second.frame(5),
        _sources(dataclasses.replace(SCENARIO, seed=2))[0].frame(5),
    ]
    assert not any(np.array_equal(frame.counts, other.counts) for other in others)


def test_times_are_the_same_for_all_satellites() -> None:
    scenario = dataclasses.replace(
        SCENARIO, sensor=dataclasses.replace(SENSOR, frame_rate_hz=3.0), duration_s=20.1, train=Train(satellites=2)
    )
    start = start_unix_ns(scenario)
    for source in _sources(scenario):
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
    assert len(_sources(dataclasses.replace(SCENARIO, duration_s=90.0))[0]) == 180
    assert len(_sources(dataclasses.replace(SCENARIO, duration_s=1.0))[0]) == 2


def test_pointing_error_moves_the_image_and_not_the_reported_pose() -> None:
    shaky = dataclasses.replace(SCENARIO, sensor=dataclasses.replace(SENSOR, jitter_rad=3e-4))
    still_source, source = _sources(SCENARIO)[1], _sources(shaky)[1]
    offsets = []
    for sequence in range(40):
        frame = source.frame(sequence)
        still = still_source.frame(sequence)
        assert np.array_equal(frame.pose.rotation_camera_to_gcrs, still.pose.rotation_camera_to_gcrs)  # type: ignore[union-attr]
        row, column = _skyfield_pixel(frame, FIRES[0].place)
        found = _centroid(frame, row, column)
        offsets.append((found[0] - row, found[1] - column))
    # 0.3 mrad are 0.3 pixels, on each axis; 80 draws know it to 8 %.
    assert np.std(offsets) == pytest.approx(0.3, rel=0.3)
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.2


def test_cameras_that_look_down_or_are_named_see_frames_too() -> None:
    scenario = dataclasses.replace(
        SCENARIO,
        train=None,
        walker=Walker(2, 1, pointing=Pointing("nadir"), altitude_m=7e5),
        satellites=(Satellite("eye", pointing=Pointing("place", Place(0.0, 0.0))),),
    )
    assert ground_pixel_m(scenario) == pytest.approx(700.0)
    eye, other = _sources(scenario)
    assert eye.satellite.id == "eye"
    # It looks through the Earth at its place, and straight down, respectively.
    assert other.frame(0).counts.mean() > other.sensor.offset_counts + 50
    assert eye.frame(0).counts.shape == (256, 256)


def test_gnomonic_camera_of_another_shape_works() -> None:
    sensor = dataclasses.replace(SENSOR, projection="gnomonic", rows=100, columns=130, bit_depth=12)
    frame = _sources(dataclasses.replace(SCENARIO, sensor=sensor))[0].frame(0)
    assert frame.counts.shape == (100, 130)
    # The fire in the middle: its light falls on four pixels.
    assert frame.counts[49:51, 64:66].min() > np.median(frame.counts) + 200
    assert frame.counts.max() < 4096
