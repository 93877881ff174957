"""What the tree promises: generated modules match their schemas, the lock names no package index."""

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PROTOS = REPOSITORY / "protos"


def test_generated_modules_match_their_schemas(tmp_path: Path) -> None:
    schemas = sorted(PROTOS.glob("plumewatch/v1/*.proto"))
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *outputs, *map(str, schemas)], check=True)
    generated = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*_pb2*"))
    committed = sorted(path.relative_to(PROTOS) for path in PROTOS.rglob("*_pb2*") if "__pycache__" not in path.parts)
    assert generated == committed
    differing = [path for path in generated if (tmp_path / path).read_bytes() != (PROTOS / path).read_bytes()]
    assert not differing, "run `make protos` and commit what it writes"


def test_every_schema_element_has_a_comment() -> None:
    element = re.compile(r"^\s*(message|enum|service|rpc|(optional |repeated )?[\w.]+ \w+ = \d+;|[A-Z_0-9]+ = \d+;)")
    bare = []
    for schema in PROTOS.glob("plumewatch/v1/*.proto"):
        lines = schema.read_text().splitlines()
        bare += [
            f"{schema.name}:{number + 1}: {line.strip()}"
            for number, line in enumerate(lines)
            if element.match(line) and not lines[number - 1].lstrip().startswith("//")
        ]
    assert not bare


def test_frame_begins_with_the_fields_a_relay_reads() -> None:
    from plumewatch.v1 import frame_pb2

    frame = frame_pb2.Frame(
        exposure_start_unix_ns=0, readout_end_unix_ns=2, sequence=0, satellite_id="a", hops=[frame_pb2.NetworkHop()]
    )
    data = frame.SerializeToString()
    assert (data[0], data[9], data[18]) == (0x09, 0x11, 0x19)


def test_lock_pins_every_dependency_and_names_no_index() -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    assert "://" not in lock
    assert not re.search(r"^--(extra-)?index-url", lock, re.MULTILINE)
    pinned = {re.split(r"[=\s]", line)[0] for line in lock.splitlines() if re.match(r"^[a-z0-9]", line)}
    declared = re.findall(r'^\s+"([A-Za-z0-9-]+)[=<>]', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert declared
    assert {name.lower() for name in declared} <= pinned
