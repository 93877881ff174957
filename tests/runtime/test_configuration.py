"""Strict TOML: what a user may get wrong, and what the message says."""

import enum
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Literal

import pytest

from services.runtime.configuration import ConfigurationError, from_table, read_toml


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


@dataclass(frozen=True)
class Wheel:
    radius_m: float

    def __post_init__(self) -> None:
        if self.radius_m <= 0:
            raise ValueError(f"radius_m is {self.radius_m:g} and must be above 0")


@dataclass(frozen=True)
class Cart:
    name: str
    wheels: tuple[Wheel, ...] = field(default=(), metadata={"key": "wheel"})
    spare: Wheel | None = None
    mode: Mode = Mode.SLOW
    side: Literal["left", "right"] = "left"
    limits: tuple[float, float] = (0.0, 1.0)
    built: datetime | None = None
    drawing: Path | None = None
    count: int = 0


def test_values_arrive_with_their_types() -> None:
    cart = from_table(
        {
            "name": "a",
            "wheel": [{"radius_m": 1}, {"radius_m": 0.5}],
            "spare": {"radius_m": 2.0},
            "mode": "fast",
            "side": "right",
            "limits": [1, 2.5],
            "built": datetime(2026, 1, 2, 3, 4),  # noqa: DTZ001 - TOML's local date-time
            "drawing": "plans/cart.png",
        },
        Cart,
    )
    assert cart.wheels == (Wheel(1.0), Wheel(0.5))
    assert cart.spare == Wheel(2.0)
    assert cart.mode is Mode.FAST
    assert cart.limits == (1.0, 2.5)
    assert cart.built == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert cart.drawing == Path("plans/cart.png")


@pytest.mark.parametrize(
    ("table", "where", "problem"),
    [
        ({"name": "a", "whel": []}, "whel", "did you mean `wheel`"),
        ({"name": "a", "zzzzzz": 1}, "zzzzzz", "known keys: built, count"),
        ({}, "name", "must be set"),
        ({"name": 3}, "name", "is 3, not text; write it in quotes"),
        ({"name": "a", "count": True}, "count", "is true, not a whole number"),
        ({"name": "a", "count": 1.5}, "count", "is 1.5, not a whole number"),
        ({"name": "a", "count": [1]}, "count", "is a list, not a whole number"),
        ({"name": "a", "drawing": 1}, "drawing", "is 1, not a path"),
        ({"name": "a", "spare": {"radius_m": "five"}}, "spare.radius_m", "is 'five', not a number"),
        ({"name": "a", "limits": "1 2"}, "limits", "is '1 2', not a list of 2 numbers"),
        ({"name": "a", "limits": "1" * 1000}, "limits", "1..., not a list"),
        ({"name": "a", "built": date(2026, 6, 21)}, "built", "a date without a time; write 2026-06-21T12:00:00Z"),
        ({"name": "a", "built": "2026-06-21"}, "built", "is '2026-06-21', not an instant; write it as 2026-"),
        ({"name": "a", "built": time(12)}, "built", "is 12:00:00, not an instant"),
        ({"name": "a", "wheel": [{"radius_m": 1}, {"radius": 1}]}, "wheel[1].radius", "did you mean `radius_m`"),
        ({"name": "a", "wheel": [{"radius_m": -1}]}, "wheel[0]", "must be above 0"),
        ({"name": "a", "wheel": {"radius_m": 1}}, "wheel", "not a list"),
        ({"name": "a", "spare": 3}, "spare", "not a table"),
        ({"name": "a", "mode": "warp"}, "mode", "not one of 'fast', 'slow'"),
        ({"name": "a", "side": "up"}, "side", "not one of 'left', 'right'"),
        ({"name": "a", "limits": [1]}, "limits", "has 1 items, not 2"),
        ({"name": "a", "limits": [1, float("nan")]}, "limits[1]", "not a finite number"),
    ],
)
def test_mistake_is_named_with_its_place_and_remedy(table: dict[str, object], where: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_table(table, Cart)
    assert caught.value.where == where
    assert problem in caught.value.problem


def test_file_and_key_stand_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "cart.toml"
    path.write_text('name = "a"\nmodel = "fast"\n')
    with pytest.raises(ConfigurationError, match=r"cart\.toml: model: unknown key; did you mean `mode`\?"):
        read_toml(path, Cart)


def test_mistake_of_the_whole_file_names_the_file_alone(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Even:
        count: int

        def __post_init__(self) -> None:
            if self.count % 2:
                raise ValueError(f"count is {self.count}, not even")

    path = tmp_path / "cart.toml"
    path.write_text("count = 3")
    with pytest.raises(ConfigurationError) as caught:
        read_toml(path, Even)
    assert str(caught.value) == f"{path}: count is 3, not even"


def test_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "default.toml").write_text('name = "a"')
    with pytest.raises(ConfigurationError, match=r"no such file; did you mean .*default\.toml"):
        read_toml(tmp_path / "defualt.toml", Cart)


def test_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cart.toml"
    path.write_text("name = = 3")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read_toml(path, Cart)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_toml(path, Cart)
