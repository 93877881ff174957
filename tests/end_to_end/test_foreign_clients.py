"""A launch through the whole chain, watched by clients that are not ours: the README's, and one of reflection alone."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

REPOSITORY = Path(__file__).parents[2]


def _three_free_ports() -> int:
    for base in range(42_000, 60_000, 7):
        sockets = [socket.socket() for _ in range(3)]
        try:
            for k, candidate in enumerate(sockets):
                candidate.bind(("127.0.0.1", base + k))
        except OSError:
            continue
        finally:
            for candidate in sockets:
                candidate.close()
        return base
    raise AssertionError("no three free ports in a row")


@pytest.fixture(scope="module")
def chain() -> Iterator[int]:
    """Run the default scenario until its alert, go on, and yield its first port: relay, ground station, broker."""
    base = _three_free_ports()
    command = [sys.executable, "-m", "services.cli", "up", "--port-base", str(base)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "CONFIRMED" in line:
                break
        else:
            raise AssertionError("the run ended without a confirmed alert")
        yield base
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _readme_programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)


def test_programs_of_the_readme_run_as_printed(chain: int) -> None:
    programs = _readme_programs()
    assert len(programs) == 2
    for program in programs:
        here = program.replace("50051", str(chain)).replace("50052", str(chain + 1)).replace("1883", str(chain + 2))
        result = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, timeout=30, check=False)
        assert result.returncode == 0, result.stderr
        assert "evt-" in result.stdout


def test_client_made_from_reflection_alone_watches_alerts(chain: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{chain + 1}") as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = set(database.get_services())
        assert {"plumewatch.v1.GroundStationService", "plumewatch.v1.FrameDownlinkService"} <= services
        assert "grpc.health.v1.Health" in services
        pool = descriptor_pool.DescriptorPool(database)
        method = pool.FindServiceByName("plumewatch.v1.GroundStationService").methods_by_name["WatchAlerts"]
        request_class: Any = message_factory.GetMessageClass(method.input_type)
        response_class: Any = message_factory.GetMessageClass(method.output_type)
        watch = channel.unary_stream(
            "/plumewatch.v1.GroundStationService/WatchAlerts",
            request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString,
        )
        response = next(watch(request_class(), timeout=20))
        alert = json_format.MessageToDict(response, preserving_proto_field_name=True, descriptor_pool=pool)["alert"]
    assert alert["state"] == "ALERT_STATE_CONFIRMED"
    assert alert["target_class"] == "TARGET_CLASS_BALLISTIC"
    assert alert["exercise"] is True
    assert 0 < alert["latency"]["published_s"] < 5


def test_mosquitto_sub_sees_the_alert(chain: int) -> None:
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto_sub is not installed")
    command = ["mosquitto_sub", "-p", str(chain + 2), "-q", "1", "-t", "plumewatch/v1/alerts/+", "-C", "1", "-W", "10"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert '"ALERT_STATE_CONFIRMED"' in result.stdout or '"ALERT_STATE_ENDED"' in result.stdout


def test_relay_lists_its_services_by_reflection(chain: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{chain}") as channel:
        services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert {"plumewatch.v1.NetworkService", "plumewatch.v1.FrameDownlinkService", "grpc.health.v1.Health"} <= services
