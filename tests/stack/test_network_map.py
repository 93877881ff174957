"""The network's map: what of a topology is on it, and that it is seen."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from plumewatch.v1 import frame_pb2, network_pb2
from services.cli.network import app
from services.geometry.ellipsoid import geodetic_to_itrs
from services.runtime.errors import PlumewatchError
from services.stack.pictures.map_canvas import Canvas
from services.stack.pictures.network_map import draw_network
from services.stack.pictures.network_scene import scene_of
from services.stack.pictures.style import FAILED, GROUND_LINK, LASER, MESH

KINDS = {
    "sat-1": (network_pb2.NODE_KIND_SENSOR_SATELLITE, (-20.0, 130.0, 1.0e6)),
    "relay-1": (network_pb2.NODE_KIND_RELAY_SATELLITE, (-22.0, 134.0, 5.5e5)),
    "relay-2": (network_pb2.NODE_KIND_RELAY_SATELLITE, (-30.0, 138.0, 5.5e5)),
    "relay-3": (network_pb2.NODE_KIND_RELAY_SATELLITE, (-26.0, 144.0, 5.5e5)),
    "perth": (network_pb2.NODE_KIND_GATEWAY, (-31.8, 115.9, 0.0)),
    "alice-springs": (network_pb2.NODE_KIND_GATEWAY, (-23.8, 133.9, 0.0)),
    "station-1": (network_pb2.NODE_KIND_GROUND_STATION, None),
}
LASER_LINK, GROUND = network_pb2.LINK_MEDIUM_LASER, network_pb2.LINK_MEDIUM_GROUND


@pytest.fixture
def topology() -> network_pb2.GetTopologyResponse:
    response = network_pb2.GetTopologyResponse(time_unix_ns=1_782_043_200_000_000_000)
    for name, (kind, place) in KINDS.items():
        node = response.nodes.add(node=name, kind=kind, failed=name == "relay-3")
        if place is not None:
            x, y, z = np.asarray(geodetic_to_itrs(*place)).tolist()
            node.position_itrs_m.CopyFrom(frame_pb2.Vector3(x=x, y=y, z=z))
    response.links.add(from_node="sat-1", to_node="relay-1", medium=LASER_LINK, in_use=True)
    response.links.add(from_node="relay-1", to_node="alice-springs", medium=GROUND, in_use=True)
    response.links.add(from_node="alice-springs", to_node="station-1", in_use=True)
    response.links.add(from_node="relay-1", to_node="relay-2", medium=LASER_LINK)
    return response


def test_scene_tells_paths_from_the_mesh_and_failed_from_whole(topology: network_pb2.GetTopologyResponse) -> None:
    scene = scene_of(topology)
    assert (len(scene.relays_deg), len(scene.failed_deg)) == (2, 1)
    np.testing.assert_allclose(scene.lasers_deg, [[(-20, 130), (-22, 134)]], atol=1e-6)
    np.testing.assert_allclose(scene.mesh_deg, [[(-22, 134), (-30, 138)]], atol=1e-6)
    assert len(scene.grounds_deg) == 1
    assert set(scene.gateways) == {"perth", "alice-springs"}


@pytest.mark.parametrize("world", [False, True])
def test_path_mesh_and_failed_satellite_are_seen(topology: network_pb2.GetTopologyResponse, *, world: bool) -> None:
    picture = draw_network(scene_of(topology), 900, 700, world=world, title="test")
    assert picture.size == (900, 700)
    colours = np.unique(np.asarray(picture).reshape(-1, 3), axis=0).astype(np.int64)
    for wanted in (LASER, GROUND_LINK, MESH, FAILED):
        assert np.abs(colours - wanted).max(axis=1).min() <= 3


class _Written:
    """What is written on a map: its title, its legend, and names with their colours."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.title, self.legend = "", set[str]()
        self.names: dict[str, tuple[int, int, int]] = {}
        monkeypatch.setattr(Canvas, "name", lambda *name: self.names.setdefault(*name[2:]))
        monkeypatch.setattr(Canvas, "draw_frame", lambda _, title, legend: self._frame(title, legend))

    def _frame(self, title: str, legend: list[tuple[str, tuple[int, int, int], str]]) -> None:
        self.title, self.legend = title, {text for text, _, _ in legend}


def test_map_without_a_path_says_so_in_its_title_and_explains_no_path(
    topology: network_pb2.GetTopologyResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = _Written(monkeypatch)
    draw_network(scene_of(topology), 300, 300, world=False, title="test")
    assert "no path" not in written.title
    assert {"path, laser", "path, radio"} <= written.legend
    del topology.links[:3]
    draw_network(scene_of(topology), 300, 300, world=False, title="test")
    assert written.title.endswith("no path from sat-1")
    assert not any(text.startswith("path") for text in written.legend)


def test_failed_gateway_is_named_in_red_among_however_many(
    topology: network_pb2.GetTopologyResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    perth = next(node for node in topology.nodes if node.node == "perth")
    perth.failed = True
    for number in range(50):
        topology.nodes.add(node=f"idle-{number}", kind=perth.kind, position_itrs_m=perth.position_itrs_m)
    written = _Written(monkeypatch)
    draw_network(scene_of(topology), 300, 300, world=False, title="test")
    assert written.names["perth (failed)"] == FAILED
    assert "idle-7" not in written.names


def _scenario(folder: Path, network: str) -> str:
    file = folder / "small.toml"
    file.write_text(
        'name = "small"\n[train]\nsatellites = 1\n[network]\n' + network +
        '[[network.gateway]]\nid = "perth"\nplace = { latitude_deg = -31.8, longitude_deg = 115.9 }\n'
    )  # fmt: skip
    return str(file)


@pytest.mark.parametrize(
    ("network", "problem"),
    [
        ('trace = "delays.csv"\n', "delays.csv"),
        ('[[network.fault]]\nkind = "gateway"\nnode = "moon"\nstart_s = 0.0\n', "there is no node 'moon'"),
    ],
)
def test_map_of_a_scenario_that_no_relay_would_take_names_the_file(tmp_path: Path, network: str, problem: str) -> None:
    (tmp_path / "delays.csv").write_text("time_s,delay_s\n")
    scenario = _scenario(tmp_path, network)
    result = CliRunner().invoke(app, ["map", "--scenario", scenario, "--out", str(tmp_path / "map.png")])
    assert isinstance(result.exception, PlumewatchError)
    assert str(result.exception).startswith(scenario)
    assert problem in str(result.exception)


def test_map_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "map.png"
    arguments = ["--width", "300", "--height", "300", "--out", str(out)]
    result = CliRunner().invoke(app, ["map", "--scenario", _scenario(tmp_path, ""), *arguments])
    assert isinstance(result.exception, PlumewatchError)
    assert str(out) in str(result.exception)


def test_map_that_is_no_png_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["map", "--out", "map.jpg"])
    assert result.exit_code == 2
    assert "the picture is a .png" in result.output
