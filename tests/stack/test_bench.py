import importlib.util
import json
import sys
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.stack import bench


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = types.ModuleType("bench.quick")
    quick.run = lambda: {"ns_per_pixel": {"min": 2.3456789, "median": 2.5}, "lost": {}}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bench.quick", quick)
    parts = {
        "quick": bench.Part("bench.quick", "a quick one"),
        "gone": bench.Part("bench.no_such_module", "one that is not there"),
    }
    monkeypatch.setattr(bench, "PARTS", parts)


# A benchmark that is a command: says what it was told, in two tables, and fails if told to.
COMMAND = """
import json, sys
*told, last = sys.argv[1:]
if "--fail" in told:
    sys.exit("nothing to measure")
assert last == "--json"
for title, rows in (("told", [{"words": " ".join(told)}]), ("errors", [
    {"tracker": "ours", "looks": 20, "rmse_m": 81.23456, "nees": None},
    {"tracker": "peer", "looks": 20, "rmse_m": 97.5, "nees": 3.25},
])):
    print(json.dumps({"title": title, "rows": rows}, indent=2))
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench_command.py").write_text(COMMAND)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # Loaded in this process, it would take the test's own arguments for its own.
    monkeypatch.setitem(sys.modules, "bench_command", types.ModuleType("bench_command"))
    parts = {
        "tracking.small": bench.Part("bench_command", "a small edition", ("--runs", "3")),
        "tracking.broken": bench.Part("bench_command", "one that fails", ("--fail",)),
    }
    monkeypatch.setattr(bench, "PARTS", parts)


def test_help_names_every_part_and_each_has_its_module() -> None:
    words = set(CliRunner().invoke(app, ["bench", "--help"]).output.replace(",", " ").split())
    for name, part in bench.PARTS.items():
        assert name in words
        assert importlib.util.find_spec(part.module) is not None


def test_every_measurement_of_tracking_and_warning_is_a_part() -> None:
    folder = Path(__file__).parents[2] / "bench"
    # These read a file of looks, or write the product's own table: they measure nothing by themselves.
    others = {"bench.tracking.bound", "bench.tracking.stone_soup", "bench.warning.learn_classes"}
    commands = {
        f"bench.{room}.{path.stem}"
        for room in ("tracking", "warning")
        for path in (folder / room).glob("*.py")
        if "def main()" in path.read_text(encoding="utf-8")
    }
    assert others < commands
    assert commands - others <= {part.module for part in bench.PARTS.values()}


@pytest.mark.usefixtures("measured")
def test_figures_are_printed_and_written(tmp_path: object) -> None:
    result = CliRunner().invoke(app, ["bench", "quick", "--out", f"{tmp_path}/figures.json"])
    assert result.exit_code == 0
    assert "a quick one ..." in result.output
    assert "ns_per_pixel.min     2.346\nns_per_pixel.median  2.5\nlost                 none" in result.output


@pytest.mark.usefixtures("command")
def test_part_that_is_a_command_runs_its_small_edition(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["bench", "tracking.small", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "told\nwords  --runs 3\n" in result.output
    assert "tracker   ours  peer\nlooks       20    20\nrmse_m   81.23  97.5\nnees         -  3.25" in result.output
    figures = json.loads(out.read_text())["tracking.small"]
    assert figures["errors"][0] == {"tracker": "ours", "looks": 20, "rmse_m": 81.23456, "nees": None}


@pytest.mark.usefixtures("command")
def test_command_that_fails_is_named_with_its_arguments(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(bench.BenchFailedError, match="-m bench_command --fail --json` ended with 1"):
        list(bench.run_parts(["tracking.broken"], lambda _: None))
    assert "nothing to measure" in capfd.readouterr().err


def test_many_rows_stay_rows() -> None:
    rows = [{"targets": count, "ms": count / 7} for count in (20, 100, 500)]
    assert bench.rows_table(rows) == "targets     ms\n20       2.857\n100      14.29\n500      71.43"


def test_room_stands_for_all_its_parts() -> None:
    found = bench.find_parts(["warning", "chain"])
    assert found == ["warning.classes", "warning.reach", "chain"]
    assert len(bench.find_parts(["tracking"])) > 5
    assert bench.find_parts([]) == list(bench.PARTS)
    with pytest.raises(KeyError, match="track"):
        bench.find_parts(["track"])


@pytest.mark.usefixtures("measured")
def test_unknown_part_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["bench", "slow"])
    assert result.exit_code == 2
    assert "'slow' is not one of quick, gone" in result.output


@pytest.mark.usefixtures("measured")
def test_without_a_checkout_the_remedy_is_named() -> None:
    with pytest.raises(bench.NoBenchError, match="benchmarks come with the source"):
        list(bench.run_parts(["gone"], lambda _: None))
