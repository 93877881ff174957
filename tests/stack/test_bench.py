import importlib.util
import sys
import types

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.stack import bench


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = types.ModuleType("bench.quick")
    quick.run = lambda: {"ns_per_pixel": {"min": 2.3456789, "median": 2.5}, "lost": {}}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bench.quick", quick)
    parts = {"quick": ("bench.quick", "a quick one"), "gone": ("bench.no_such_module", "one that is not there")}
    monkeypatch.setattr(bench, "PARTS", parts)


def test_help_names_every_part_and_each_has_its_module() -> None:
    words = set(CliRunner().invoke(app, ["bench", "--help"]).output.replace(",", " ").split())
    for part, (module_name, _) in bench.PARTS.items():
        assert part in words
        assert importlib.util.find_spec(module_name) is not None


@pytest.mark.usefixtures("measured")
def test_figures_are_printed_and_written(tmp_path: object) -> None:
    result = CliRunner().invoke(app, ["bench", "quick", "--out", f"{tmp_path}/figures.json"])
    assert result.exit_code == 0
    assert "a quick one ..." in result.output
    assert "ns_per_pixel.min     2.346\nns_per_pixel.median  2.5\nlost                 none" in result.output


@pytest.mark.usefixtures("measured")
def test_unknown_part_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["bench", "slow"])
    assert result.exit_code == 2
    assert "'slow' is not one of quick, gone" in result.output


@pytest.mark.usefixtures("measured")
def test_without_a_checkout_the_remedy_is_named() -> None:
    with pytest.raises(bench.NoBenchError, match="benchmarks come with the source"):
        list(bench.run_parts(["gone"], lambda _: None))
