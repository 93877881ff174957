"""The command's frame: verbs listed without import, exit codes that scripts can rely on."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from services.cli.main import VERBS

CLI = Path(__file__).parents[2] / "services" / "cli"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from services.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_help_lists_every_verb() -> None:
    result = _run("--help")
    assert result.returncode == 0
    assert all(verb in result.stdout for verb in VERBS)


def test_every_verb_has_its_file_and_help() -> None:
    for verb in VERBS:
        assert (CLI / f"{verb.replace('-', '_')}.py").is_file()
        result = _run(verb, "--help")
        assert result.returncode == 0, result.stderr
        assert "Usage" in result.stdout


def test_wrong_usage_exits_with_2() -> None:
    assert _run("no-such-verb").returncode == 2
    assert _run("detect", "--no-such-option").returncode == 2


def test_help_imports_no_kernels_and_no_network() -> None:
    code = (
        "import sys; from services.cli.main import app; "
        "app(['--help'], standalone_mode=False); "
        "print({'numba', 'grpc', 'aiomqtt', 'skyfield'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("set()")


def test_command_without_a_verb_shows_its_help_as_wrong_usage() -> None:
    result = _run()
    assert result.returncode == 2
    assert all(verb in result.stderr for verb in VERBS)


def test_version_is_the_packages() -> None:
    assert _run("--version").stdout.split() == ["plumewatch", version("plumewatch")]


def test_examples_in_a_verbs_help_keep_their_lines() -> None:
    for verb in ("simulate", "preview"):
        lines = [line.strip() for line in _run(verb, "--help").stdout.splitlines()]
        assert "\\b" not in lines
        begin = lines.index("For example:")
        examples = lines[begin + 1 : lines.index("", begin)]
        assert len(examples) >= 3
        assert all(line.startswith(f"plumewatch {verb}") for line in examples)
