"""Finding and reading scenario files."""

from pathlib import Path

import pytest

from services.runtime.configuration import ConfigurationError
from services.scenario import load
from services.scenario.load import builtin_names, find_scenario, load_scenario

TLE = (
    "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
)


def test_paths_in_the_file_count_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "a.toml"
    file.write_text(
        'name = "a"\n[background]\nkind = "picture"\npicture = "earth.png"\n'
        '[[satellite]]\nid = "s1"\nreplay = { path = "../images", targets = "targets.txt" }\n'
        f'[[satellite]]\nid = "s2"\ntle_file = "{tmp_path}/x.tle"\ntle_name = "X"\n'
    )
    scenario = load_scenario(file)
    assert scenario.background.picture == tmp_path / "sub" / "earth.png"
    replay = scenario.satellites[0].replay
    assert replay is not None
    assert replay.path.resolve() == tmp_path / "images"
    assert replay.targets is not None
    assert replay.targets.resolve() == tmp_path / "images" / "targets.txt"
    assert scenario.satellites[1].tle_file == tmp_path / "x.tle"


def test_shipped_scenario_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "default.toml").write_text('name = "shipped"\n[train]\n')
    monkeypatch.setattr(load, "builtin_folder", lambda: tmp_path)
    monkeypatch.setattr(load, "DEFAULT", "default")
    assert load_scenario().name == "shipped"
    assert load_scenario("default").name == "shipped"
    assert builtin_names() == ["default"]
    # Whatever file it is in.
    (tmp_path / "other.toml").write_text('name = "other"\n[train]\n')
    monkeypatch.setattr(load, "DEFAULT", "other")
    assert load_scenario("default").name == "other"
    assert load_scenario().name == "other"
    (tmp_path / "other.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"defualt: is neither a file nor .*; did you mean 'default'\?"):
        find_scenario("defualt")
    with pytest.raises(ConfigurationError, match="shipped scenarios: default"):
        find_scenario("zzz")


def test_file_goes_before_shipped_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("default").write_text('name = "mine"\n[train]\n')
    assert load_scenario("default").name == "mine"


def test_missing_file_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "launch.toml").write_text("")
    with pytest.raises(ConfigurationError, match=r"lauch\.toml: no such file; did you mean .*launch\.toml"):
        load_scenario(tmp_path / "lauch.toml")


def test_every_shipped_scenario_can_be_read() -> None:
    for name in builtin_names():
        assert load_scenario(name).name


def test_paths_of_the_network_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "a"\n[train]\n[network]\ntle_file = "x.tle"\ntrace = "delays.csv"\n')
    network = load_scenario(tmp_path / "a.toml").network
    assert (network.tle_file, network.trace) == (tmp_path / "x.tle", tmp_path / "delays.csv")
