import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from services.runtime.configuration import read_toml
from services.runtime.errors import BadInputError
from services.scenario.load import builtin_folder, load_scenario
from services.scenario.model import Fire, Gateway, Network, Place, Pointing, Rocket, Satellite, Scenario, Stage, Train
from services.scenario.resolve import resolve_satellites
from services.stack.scenario_file import replayed, to_toml

FULL = Scenario(
    "full",
    seed=7,
    start=datetime(2026, 6, 21, 12, 0, 0, 500_000, tzinfo=UTC),
    area=Place(-30.5, 136.25),
    train=Train(satellites=3, pointing=Pointing("place", Place(1.0, 2.0))),
    satellites=(Satellite("named", pointing=Pointing("nadir")),),
    rockets=(
        Rocket(
            "r-1", Place(-30.0, 136.0, 100.0), 3.0, 315.0, (Stage(1e6, 60.0, 2e4, 2e3, "solid", 1e5),), "space_launch"
        ),
        Rocket(
            "r-2",
            Place(-31.0, 136.0),
            5.0,
            10.0,
            (Stage(1e6, 60.0, 2e4, 2e3, "liquid", 1e5), Stage(1e5, 9.0, 1e3, 1e2)),
        ),
    ),
    fires=(Fire("f", Place(-30.0, 138.0), 1e5),),
    network=Network(gateways=(Gateway("g-1", Place(0.0, 0.0)),)),
)


def test_written_scenario_reads_back_as_the_same(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(to_toml(FULL))
    assert read_toml(file, Scenario) == FULL


@pytest.mark.parametrize("file", sorted(builtin_folder().glob("*.toml")), ids=lambda file: file.stem)
def test_shipped_scenarios_load_and_survive_being_written(file: Path, tmp_path: Path) -> None:
    scenario = load_scenario(file)
    copy = tmp_path / "copy.toml"
    copy.write_text(to_toml(scenario))
    assert load_scenario(copy) == scenario
    assert resolve_satellites(scenario)


def _sequence(folder: Path, images: int) -> Path:
    folder.mkdir(parents=True)
    for k in range(images):
        np.save(folder / f"{k}.npy", np.zeros((64, 64), np.uint16))
    return folder


def test_folder_of_folders_is_a_satellite_each_and_the_run_as_long_as_the_longest(tmp_path: Path) -> None:
    for name, images in (("one", 20), ("two", 30), ("with blank", 10)):
        _sequence(tmp_path / name, images)
    scenario = replayed(tmp_path, 10.0, None)
    assert [satellite.id for satellite in scenario.satellites] == ["one", "two", "replay-3"]
    assert 3.0 <= scenario.duration_s <= 4.0
    assert len(resolve_satellites(scenario)) == 3


def test_folder_of_images_is_one_satellite(tmp_path: Path) -> None:
    scenario = replayed(_sequence(tmp_path / "sky", 5), 2.0, None)
    assert [satellite.id for satellite in scenario.satellites] == ["sky"]
    replay = scenario.satellites[0].replay
    assert replay is not None
    assert (replay.path, replay.rate_hz) == (tmp_path / "sky", 2.0)


def test_recorded_images_take_the_place_of_a_scenarios_satellites_and_of_what_they_see(tmp_path: Path) -> None:
    base = dataclasses.replace(FULL, duration_s=12.0)
    scenario = replayed(_sequence(tmp_path / "sky", 5), 2.0, base)
    assert (scenario.duration_s, scenario.rockets, scenario.fires) == (12.0, (), ())
    assert scenario.area == FULL.area


def test_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="nowhere: no such file or folder"):
        replayed(tmp_path / "nowhere", 10.0, None)


@pytest.mark.parametrize(("images", "rate_hz"), [(1, 10.0), (2, 100.0)])
def test_few_images_make_a_run_all_the_same(tmp_path: Path, images: int, rate_hz: float) -> None:
    folder = _sequence(tmp_path / "sky", images)
    assert replayed(folder, rate_hz, None).duration_s == 1.0
    assert replayed(sorted(folder.iterdir())[0], rate_hz, None).duration_s == 1.0


def test_images_that_would_last_longer_than_a_day_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="sky: would last 100000 s, and a run at most 86400 s; raise --rate"):
        replayed(_sequence(tmp_path / "sky", 1000), 0.01, None)


@pytest.mark.parametrize("name", ["looks.csv", "run.mcap.part"])
def test_file_that_is_neither_image_nor_recording_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a,b\n")
    with pytest.raises(BadInputError, match=rf"{name}: is neither an image \(.png, .*\) nor a recording \(.mcap\)"):
        replayed(tmp_path / name, 10.0, None)
