"""docs/scenarios.md says what the data model says: every key with its default."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from services.runtime.configuration import from_table
from services.scenario import model

TEXT = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text()
TABLES = [table for table in vars(model).values() if dataclasses.is_dataclass(table)]


def _rows(key: str) -> list[str]:
    return re.findall(rf"^\| `{key}` \| (.*?) \|", TEXT, re.MULTILINE)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(getattr(table, "__name__", table)))
def test_every_key_is_documented_with_its_default(table: type) -> None:
    for field in dataclasses.fields(table):
        rows = _rows(field.metadata.get("key", field.name))
        assert rows, field.name
        if isinstance(field.default, float):
            assert any(re.fullmatch(r"`[-\d.e]+`", row) and float(row.strip("`")) == field.default for row in rows), (
                field.name
            )


def test_examples_are_scenarios() -> None:
    examples = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        from_table(tomllib.loads(example), model.Scenario)
