"""Files that are there whole or not at all."""

import errno
from pathlib import Path

import pytest

from services.runtime.errors import BadInputError
from services.runtime.whole_file import whole_file


def test_file_takes_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    with whole_file(path) as file:
        file.write(b"after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x"), PermissionError("of something else")])
def test_nothing_is_left_by_what_was_interrupted(tmp_path: Path, error: BaseException) -> None:
    def write() -> None:
        with whole_file(tmp_path / "a.txt") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_named(tmp_path: Path) -> None:
    def write() -> None:
        with whole_file(tmp_path / "a.txt"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(BadInputError, match=r"a\.txt: cannot be written: No space left on device"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_is_named_at_once(tmp_path: Path) -> None:
    for path, problem in ((tmp_path, "it is a folder"), (tmp_path / "no" / "a", "No such file or directory")):
        with pytest.raises(BadInputError, match=f"cannot be written: {problem}"), whole_file(path):
            pytest.fail("must not be entered")
