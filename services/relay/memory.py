"""How the relay's process keeps the memory of frames that have gone."""

import contextlib
import ctypes
import sys

_M_ARENA_MAX = -8


def share_free_memory() -> None:
    """Let all threads draw on one store of free memory, where the C library can be told so.

    By default each thread that has handled large frames keeps room for them to itself: 15 MB more with four streams.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # a C library other than GNU's
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
