"""Strict reading of TOML into frozen dataclasses: an unknown key is an error that names the nearest known one.

A dataclass is the schema. Field types may be `bool`, `int`, `float`, `str`, `datetime`, `Path`, an `Enum` with
string values, a `Literal` of strings, another dataclass, `tuple[T, ...]`, or any of them with `| None`. A field's
key in the file is its name, or `metadata={"key": ...}` where the file's word differs (`[[rocket]]` for `rockets`).
What a value may be is checked in the dataclass's own `__post_init__`, by raising `ValueError`.
"""

import dataclasses
import difflib
import enum
import math
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from services.runtime.errors import PlumewatchError

T = TypeVar("T")

# What a value should be, in words of a reader of the file.
WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: 'text; write it in quotes, "..."',
    Path: 'a path; write it in quotes, "..."',
    datetime: "an instant; write it as 2026-06-21T12:00:00Z, without quotes",
}
PLURALS: dict[Any, str] = {int: "whole numbers", float: "numbers", str: "strings"}
# Of a wrong value so many letters are repeated.
SHOWN = 60


class ConfigurationError(PlumewatchError):
    """A configuration cannot be used; the message names file, key, value and remedy.

    where: dotted key, for instance `rocket[0].heading_deg`.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.where = where
        self.problem = problem


def read_toml(path: Path, schema: type[T], prepare: Callable[[dict[str, Any]], Mapping[str, Any]] = dict) -> T:
    """Return the file's content as an instance of `schema`.

    prepare: changes the file's table before it is held against the schema, for instance writes out named values.

    Raises ConfigurationError for a file that is missing or is not TOML, an unknown key, a value of a wrong type or
    out of its range, and a key that must be there and is not.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(str(path), "no such file" + _suggest_file(path)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(path), f"cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(path), f"is not TOML: {error}") from error
    try:
        return from_table(prepare(table), schema)
    except ConfigurationError as error:
        raise in_file(path, error) from error


def in_file(path: Path, error: ConfigurationError) -> ConfigurationError:
    """Return the error with the file that it is about, which names it only once."""
    if error.where.startswith(str(path)):
        return ConfigurationError(error.where, error.problem)
    return ConfigurationError(f"{path}: {error.where}" if error.where else str(path), error.problem)


def from_table(table: Mapping[str, Any], schema: type[T], where: str = "") -> T:
    """Return `table` as an instance of the dataclass `schema`; see the module's docstring for the rules."""
    hints = typing.get_type_hints(schema)
    fields = {field.metadata.get("key", field.name): field for field in dataclasses.fields(schema)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise ConfigurationError(_join(where, key), "unknown key" + _suggest(key, fields))
    values = {
        field.name: _convert(table[key], hints[field.name], _join(where, key))
        for key, field in fields.items()
        if key in table
    }
    for key, field in fields.items():
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if key not in table and not has_default:
            raise ConfigurationError(_join(where, key), "must be set and is missing")
    try:
        return schema(**values)
    except ValueError as error:
        raise ConfigurationError(where, str(error)) from error


def _convert(value: Any, kind: Any, where: str) -> Any:
    """Return `value` as `kind`, or raise ConfigurationError."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _convert(value, inner, where)
    if origin is tuple:
        return _convert_sequence(value, arguments, where)
    if origin is Literal:
        if value not in arguments:
            raise ConfigurationError(where, f"is {value!r}, not one of " + ", ".join(map(repr, arguments)))
        return value
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise _wrong_type(where, value, "a table")
        return from_table(value, typing.cast("type[Any]", kind), where)
    return _convert_scalar(value, kind, where)


def _convert_sequence(value: Any, arguments: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        fixed = arguments[-1] is not Ellipsis
        items = f" of {len(arguments)} {PLURALS.get(arguments[0], 'items')}" if fixed else ""
        raise _wrong_type(where, value, f"a list{items}")
    if arguments[-1] is Ellipsis:
        return tuple(_convert(item, arguments[0], f"{where}[{i}]") for i, item in enumerate(value))
    if len(value) != len(arguments):
        raise ConfigurationError(where, f"has {len(value)} items, not {len(arguments)}")
    return tuple(
        _convert(item, kind, f"{where}[{i}]") for i, (item, kind) in enumerate(zip(value, arguments, strict=True))
    )


def _convert_scalar(value: Any, kind: Any, where: str) -> Any:
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ConfigurationError(where, f"is {value}, not a finite number")
        return float(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is datetime and isinstance(value, datetime):
        # TOML's local date-time names no instant; everything here is UTC.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError as error:
            known = ", ".join(repr(member.value) for member in kind)
            raise ConfigurationError(where, f"is {value!r}, not one of {known}") from error
    # bool is an int to Python, never to a reader of the file.
    if kind in (bool, int, str) and type(value) is kind:
        return value
    if kind is datetime and isinstance(value, date):
        raise ConfigurationError(where, f"is {value}, a date without a time; write {value}T12:00:00Z")
    raise _wrong_type(where, value, WORDS.get(kind, str(kind)))


def _wrong_type(where: str, value: Any, wanted: str) -> ConfigurationError:
    return ConfigurationError(where, f"is {_as_written(value)}, not {wanted}")


def _as_written(value: Any) -> str:
    """Return a value about as the file has it, and not too long."""
    match value:
        case bool():
            return str(value).lower()
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping():
            return "a table"
        case list():
            return "a list"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _suggest(key: str, known: Mapping[str, Any]) -> str:
    nearest = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    return f"; did you mean `{nearest[0]}`?" if nearest else "; known keys: " + ", ".join(sorted(known))


def _suggest_file(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    nearest = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / nearest[0]}?" if nearest else ""


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
