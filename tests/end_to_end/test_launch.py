"""A rocket rises: plume in, warning out, through every process, heard by clients that know addresses alone.

One run for all tests, which follow each other while it goes on; the last waits for its end.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from services.runtime.mqtt import parse_broker_url
from services.scenario.load import find_scenario
from tests.end_to_end.launcher import Launched, launch

REPOSITORY = Path(__file__).parents[2]
# Long enough for boost phase to be seen and for the fire to be judged.
DURATION_S = 45


@dataclass(frozen=True)
class Chain:
    """The default scenario under way. relay, station: host:port. broker: URL."""

    run: Launched
    relay: str
    station: str
    broker: str


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Run the default scenario, cut to DURATION_S, and yield it once it says where it is."""
    folder = tmp_path_factory.mktemp("chain")
    text = find_scenario().read_text()
    found = tomllib.loads(text)["duration_s"]
    scenario = folder / "launch.toml"
    scenario.write_text(text.replace(f"duration_s = {found}", f"duration_s = {DURATION_S}.0"))
    run = launch(folder, str(scenario))
    try:
        yield Chain(run, *_addresses(_output_until(run, "join from another terminal")))
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.finish(30)


def _output_until(run: Launched, words: str) -> str:
    assert run.process.stdout is not None
    seen = ""
    while words not in seen:
        line = run.process.stdout.readline()
        assert line, f"the run ended first: {seen}"
        seen += line
    return seen


def _addresses(output: str) -> tuple[str, str, str]:
    """Return where relay, ground station and broker say they are."""
    found = [re.search(words, output) for words in (r"relay\s+(\S+)", r"ground station\s+(\S+)", r"(mqtt://\S+)")]
    relay, station, broker = (match[1] for match in found if match is not None)
    return relay, station, broker


def _watch_by_reflection(station: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first wanted alert that a client gets whose stubs are made from what the server says of itself."""
    with grpc.insecure_channel(station) as channel:
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
        for response in watch(request_class(), timeout=90):
            message = json_format.MessageToDict(response, preserving_proto_field_name=True, descriptor_pool=pool)
            alert: dict[str, Any] = message["alert"]
            if wanted(alert):
                return alert
    raise AssertionError("the server ended the stream without a wanted alert")


@pytest.fixture(scope="module")
def heard(chain: Chain) -> dict[str, Any]:
    """Return the first confirmed alert that is heard over gRPC."""
    chain.run.wait_for(chain.run.run_has_started, timeout_s=170)
    return _watch_by_reflection(chain.station, lambda alert: bool(alert["state"] == "ALERT_STATE_CONFIRMED"))


def test_client_made_from_reflection_alone_watches_alerts(chain: Chain, heard: dict[str, Any]) -> None:
    assert heard["target_class"] == "TARGET_CLASS_BALLISTIC"
    assert heard["exercise"] is True
    # A revision goes over gRPC before it is published; a later one says how long that took.
    published = _watch_by_reflection(chain.station, lambda alert: "published_s" in alert["latency"])
    assert published["event_id"] == heard["event_id"]
    assert published["state"] == "ALERT_STATE_CONFIRMED"
    assert 0 < published["latency"]["published_s"] < 5


@pytest.mark.usefixtures("heard")
def test_programs_of_the_readme_run_as_printed(chain: Chain) -> None:
    programs = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    assert len(programs) == 2
    port = str(parse_broker_url(chain.broker).port)
    for program in programs:
        here = program.replace("127.0.0.1:50051", chain.relay).replace("127.0.0.1:50052", chain.station)
        here = here.replace("1883", port)
        result = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, timeout=30, check=False)
        assert result.returncode == 0, result.stderr
        assert "evt-" in result.stdout


@pytest.mark.usefixtures("heard")
def test_mosquitto_sub_sees_the_alert(chain: Chain) -> None:
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto_sub is not installed")
    port = str(parse_broker_url(chain.broker).port)
    command = ["mosquitto_sub", "-p", port, "-q", "1", "-t", "plumewatch/v1/alerts/+", "-C", "1", "-W", "10"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert '"ALERT_STATE_CONFIRMED"' in result.stdout or '"ALERT_STATE_ENDED"' in result.stdout


def test_relay_lists_its_services_by_reflection(chain: Chain) -> None:
    with grpc.insecure_channel(chain.relay) as channel:
        services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert {"plumewatch.v1.NetworkService", "plumewatch.v1.FrameDownlinkService", "grpc.health.v1.Health"} <= services


def test_launch_is_warned_of_in_time_and_the_fire_is_not(chain: Chain, heard: dict[str, Any]) -> None:
    run = chain.run
    assert run.finish() == 0, run.errors
    report = run.report
    assert (report["found"], report["missed"], report["false_alerts"]) == (1, 0, 0)
    # Every one of them sees it, and the place is known to the accuracy of a good guess at a launch pad.
    assert report["launch_error_m"]["p50"] < 5000
    assert report["time_to_alert_s"]["p50"] < 30
    assert report["frames"]["lost"] == {}
    assert report["frames"]["acknowledged"] == report["frames"]["committed"] == 4 * 2 * DURATION_S
    assert report["memory_mb_peak"] < 2000
    # Latency: the modelled way down, and what this machine took. Other tests may share its cores.
    assert 0 < report["latency_s"]["p50"] < 5
    # What was heard over gRPC is what was heard over MQTT.
    assert heard["event_id"] == report["objects"][0]["event_id"]
    lines = [json.loads(line) for line in (run.run_dir / "alerts.jsonl").read_text().splitlines()]
    assert f"{heard['event_id']}/{heard['revision']}" in {line["id"] for line in lines}
    assert all(line["data"]["exercise"] is True for line in lines)
    # The truth that was written scores the same by the batch verb.
    truth = [json.loads(line) for line in (run.run_dir / "truth.jsonl").read_text().splitlines()]
    assert {record["class"] for record in truth} == {"ballistic", "static_heat"}
