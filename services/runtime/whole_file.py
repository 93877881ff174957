"""Files that appear under their name when they are complete, or not at all."""

import contextlib
import errno
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn

from services.runtime.errors import BadInputError

# What the system says when no more can be written, wherever in the work that happens.
WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


# What a shell expects of a program that SIGTERM ended: 128 + SIGTERM.
TERMINATED = 143


@contextlib.contextmanager
def cleaned_up_on_sigterm() -> Iterator[None]:
    """Have SIGTERM end the program as an exception does, so that no part of a file is left; main thread only.

    Python by itself would run no `finally`. For verbs that write files and have no event loop; those with one have
    runtime.lifecycle.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write, which takes its name at the end; left by an exception (Ctrl-C too), nothing appears.

    BadInputError where the place cannot be written, before anything else is done, and where the disk is full.
    """
    part = path.with_name(path.name + ".part")
    if path.is_dir():
        raise BadInputError(str(path), "cannot be written: it is a folder")
    try:
        file = part.open("wb")
    except OSError as error:
        raise BadInputError(str(path), f"cannot be written: {error.strerror}") from error
    try:
        with file:
            yield file
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in WRITE_ERRORS:
            raise BadInputError(str(path), f"cannot be written: {error.strerror}") from error
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise
