"""Results that are worth keeping for a while."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """The results used last, by what they are of. May be used by several threads; what is kept never changes."""

    def __init__(self, most: int, working: threading.RLock) -> None:
        """Keep up to `most`. working: held while one is worked out, so that no two threads do the same."""
        self._most = most
        self._working = working
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, work_out: Callable[[], Value]) -> Value:
        """Return what is kept of the key, or work it out; nobody who asks for something kept waits for that."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        with self._working:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            value = work_out()
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._most:
                    self._values.popitem(last=False)
            return value
