"""The network's map: what of a topology is on it, and that it is seen."""

import numpy as np
import pytest
from typer.testing import CliRunner

from plumewatch.v1 import frame_pb2, network_pb2
from services.cli.network import app
from services.geometry.ellipsoid import geodetic_to_itrs
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


def test_map_that_is_no_png_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["map", "--out", "map.jpg"])
    assert result.exit_code == 2
    assert "the picture is a .png" in result.output
