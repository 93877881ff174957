"""A rocket rises: plume in, warning out, through every process, heard by clients that know addresses alone."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.runtime.mqtt import parse_broker_url
from services.scenario.load import find_scenario
from tests.end_to_end.launcher import Launched, launch

# Long enough for boost phase to be seen and for the fire to be judged.
DURATION_S = 45


@pytest.fixture(scope="module")
def scenario_text() -> str:
    text = find_scenario().read_text()
    found = tomllib.loads(text)["duration_s"]
    return text.replace(f"duration_s = {found}", f"duration_s = {DURATION_S}.0")


def _addresses(output: str) -> tuple[str, str]:
    """Return where the ground station and the broker say they are."""
    station = re.search(r"ground station\s+(\S+)", output)
    broker = re.search(r"(mqtt://\S+)", output)
    assert station is not None
    assert broker is not None
    return station[1], broker[1]


def _watch_one_alert_by_reflection(station: str) -> dict[str, Any]:
    """Return the first alert that a client gets whose stubs are made from what the server says of itself."""
    with grpc.insecure_channel(station) as channel:
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)

        def ask(**question: Any) -> Any:
            request = reflection_pb2.ServerReflectionRequest(**question)
            return next(iter(reflection.ServerReflectionInfo(iter([request]))))

        services = {service.name for service in ask(list_services="").list_services_response.service}
        assert {"plumewatch.v1.GroundStationService", "plumewatch.v1.FrameDownlinkService"} <= services
        pool, known = descriptor_pool.DescriptorPool(), set()

        def add(answer: Any) -> None:
            for data in answer.file_descriptor_response.file_descriptor_proto:
                file = descriptor_pb2.FileDescriptorProto.FromString(data)
                if file.name in known:
                    continue
                known.add(file.name)
                for needed in file.dependency:
                    if needed not in known:
                        add(ask(file_by_filename=needed))
                pool.Add(file)

        add(ask(file_containing_symbol="plumewatch.v1.GroundStationService"))
        service = pool.FindServiceByName("plumewatch.v1.GroundStationService")
        method = service.FindMethodByName("WatchAlerts")
        watch: Any = channel.unary_stream(
            f"/{service.full_name}/{method.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        request = message_factory.GetMessageClass(method.input_type)()
        for answer in watch(request, timeout=90):
            alert: dict[str, Any] = json_format.MessageToDict(answer, preserving_proto_field_name=True)["alert"]
            if alert["state"] == "ALERT_STATE_CONFIRMED":
                return alert
    raise AssertionError("the server ended the stream without a confirmed alert")


def _lines_until_addresses(run: Launched) -> str:
    assert run.process.stdout is not None
    seen = ""
    while "join from another terminal" not in seen:
        line = run.process.stdout.readline()
        assert line, f"the run ended first: {seen}"
        seen += line
    return seen


def test_launch_is_warned_of_in_time_and_the_fire_is_not(tmp_path: Path, scenario_text: str) -> None:
    scenario = tmp_path / "launch.toml"
    scenario.write_text(scenario_text)
    run = launch(tmp_path, str(scenario))
    station, broker = _addresses(_lines_until_addresses(run))
    assert parse_broker_url(broker).port
    run.wait_for(run.run_has_started, timeout_s=170)
    heard = _watch_one_alert_by_reflection(station)
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
