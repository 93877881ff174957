"""compose.yaml, Dockerfile and the broker's configuration, held against what the issue and the code ask of them."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services.cli.main import app
from services.scenario.load import load_scenario
from services.scenario.resolve import resolve_satellites

REPOSITORY = Path(__file__).parents[2]
COMPOSE = REPOSITORY / "compose.yaml"
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
BROKER_IMAGE = "eclipse-mosquitto:2"


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


def _ours(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services.items() if service["image"] != BROKER_IMAGE}


def _satellites(services: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [service for name, service in services.items() if name.startswith("satellite-")]


def test_one_container_for_each_part_of_the_chain(services: dict[str, dict[str, Any]]) -> None:
    assert {"broker", "ground-station", "relay", "command-center"} <= services.keys()
    assert services["broker"]["image"] == BROKER_IMAGE


def test_satellites_are_those_of_the_default_scenario(services: dict[str, dict[str, Any]]) -> None:
    started = [service["command"][service["command"].index("--id") + 1] for service in _satellites(services)]
    assert started == [satellite.id for satellite in resolve_satellites(load_scenario())]


def test_nothing_runs_as_root_or_writes_to_its_image(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert not str(service["user"]).startswith("0"), name
    assert re.search(r"^USER plumewatch$", DOCKERFILE, re.MULTILINE)


def test_compiled_kernels_and_state_go_to_volumes_that_are_declared(services: dict[str, dict[str, Any]]) -> None:
    declared = yaml.safe_load(COMPOSE.read_text())["volumes"]
    assert "NUMBA_CACHE_DIR=/cache" in DOCKERFILE
    for name, service in services.items():
        targets = {volume.split(":")[1]: volume.split(":")[0] for volume in service.get("volumes", [])}
        for source in targets.values():
            assert source in declared or (REPOSITORY / source).exists(), name
        if name not in {"broker"}:
            assert "/cache" in targets, name
        if "--state-dir" in service.get("command", []):
            assert targets["/state"] in declared, name


def test_start_is_gated_by_health_and_covers_the_first_compile(services: dict[str, dict[str, Any]]) -> None:
    order = {
        name: {other for other, how in service.get("depends_on", {}).items() if how["condition"] == "service_healthy"}
        for name, service in services.items()
    }
    assert order["ground-station"] == {"broker"}
    assert order["relay"] == {"ground-station"}
    assert all(order[name] == {"relay"} for name in services if name.startswith("satellite-"))
    for awaited in set().union(*order.values()):
        assert services[awaited]["healthcheck"]["test"][0] == "CMD", awaited
    assert int(services["ground-station"]["healthcheck"]["start_period"].removesuffix("s")) >= 120


def test_only_this_machine_reaches_the_published_ports(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert {port.split(":")[1] for port in published} == {"50051", "50052", "1883", "9001", "9464", "9465", "9466"}
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_commands_are_ones_that_the_command_understands(services: dict[str, dict[str, Any]]) -> None:
    for name, service in _ours(services).items():
        verb, *arguments = service["command"]
        result = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert result.exit_code == 0, name
        for option in (word for word in arguments if word.startswith("--")):
            assert option in result.output, f"{name}: {verb} has no {option}"


def test_broker_survives_being_killed_and_serves_browsers() -> None:
    lines = (REPOSITORY / "deploy" / "mosquitto" / "mosquitto.conf").read_text().splitlines()
    for wanted in ("listener 1883", "autosave_interval 1", "autosave_on_changes true", "persistence true"):
        assert wanted in lines
    assert lines[lines.index("listener 9001") + 1] == "protocol websockets"


def test_image_gets_every_dependency_pinned_and_none_of_the_tools() -> None:
    def pinned(*arguments: str) -> str:
        command = [sys.executable, str(REPOSITORY / "deploy" / "pinned.py"), str(REPOSITORY / "requirements.lock")]
        return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout

    text = pinned("--project", str(REPOSITORY / "pyproject.toml"))
    names = set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))
    assert {"numpy", "grpcio", "aiomqtt", "llvmlite", "paho-mqtt"} <= names
    assert not {"mypy", "ruff", "pytest", "opencv-python-headless", "matplotlib"} & names
    # Pinned once for each interpreter that needs its own.
    assert len(re.findall(r"^numpy==", text, re.MULTILINE)) >= 1
    assert text.count("--hash=sha256:") > len(names)
    assert "pluggy" in pinned("hatchling")


def test_unknown_package_is_not_in_the_lock() -> None:
    command = [
        sys.executable,
        str(REPOSITORY / "deploy" / "pinned.py"),
        str(REPOSITORY / "requirements.lock"),
        "no-such",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "not in the lock: no-such; run `make lock`\n"


def test_image_takes_in_what_the_wheel_is_made_of() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for source in " ".join(copied).split():
        assert f"!{source}" in ignored, f"{source} is copied and ignored"
        assert (REPOSITORY / source).exists()


def test_health_check_says_who_does_not_serve() -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "services.stack.health", "127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "127.0.0.1:1 does not serve" in done.stderr
