"""What `plumewatch up` and `satellite` refuse before anything starts."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["up", "--rate", "5"], "--rate: is of images with --replay; a scenario has `rate`"),
        (["up", "--rate", "0", "--replay", "sky"], "--rate: 0 is not within 0.01 to 1000"),
        (["up", "--rate", "5000", "--replay", "sky"], "--rate: 5000 is not within 0.01 to 1000"),
        (["up", "--rate", "5", "--replay", "run.mcap"], "run.mcap is a recording with its own times"),
        (["satellite", "--rate", "5"], "--rate: is of images with --replay"),
        (["up", "--log-level", "foo"], "--log-level: 'foo' is not one of debug, info, warning, error"),
    ],
)
def test_wrong_usage_is_named_at_once(
    arguments: list[str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("services.stack.up.up", lambda *_: pytest.fail("it began"))
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert problem in " ".join(result.output.replace("│", " ").split())
