"""One call to the ground station through gRPC's blocking client, read from an event loop.

The blocking client writes in a thread that may wait for an instant as exactly as the system can; its answers are read
in another thread, which hands them to the loop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc

# Answers read from the ground station and not yet passed on; more wait in gRPC, and in the end the ground station.
ANSWERS_WAITING = 64


@dataclass(frozen=True)
class CallEnd:
    """How a call ended."""

    code: grpc.StatusCode
    details: str
    trailers: tuple[tuple[str, str | bytes], ...]


class Upstream:
    """An open call. Create it on a running event loop.

    requests: asked for the next message in a thread of gRPC's, which writes it at once.
    """

    def __init__(
        self,
        channel: grpc.Channel,
        method: str,
        metadata: tuple[tuple[str, str], ...],
        requests: Iterator[bytes],
        name: str,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(ANSWERS_WAITING)
        open_call: Any = channel.stream_stream(method)
        self._call: Any = open_call(requests, metadata=metadata)
        # It ends with the call. A program that has to stop does not wait for it.
        threading.Thread(target=self._read, name=f"answers {name}", daemon=True).start()

    async def read(self) -> bytes | None:
        """Return the next answer; None once the call is over."""
        answer = await self._answers.get()
        self._room.release()
        return answer

    def cancel(self) -> None:
        """End the call, if it is not over yet."""
        self._call.cancel()
        self._room.release(ANSWERS_WAITING)

    def end(self) -> CallEnd:
        """Return how the call ended. To be asked once it is over."""
        trailers = tuple((key, value) for key, value in self._call.trailing_metadata() or ())
        return CallEnd(self._call.code(), self._call.details() or "", trailers)

    def _read(self) -> None:
        try:
            with contextlib.suppress(grpc.RpcError):  # `end` tells it
                for answer in self._call:
                    self._room.acquire()
                    self._hand_over(answer)
        finally:
            # Whatever else ended this thread: a call that nobody reads is over, and its reader is not left waiting.
            self._call.cancel()
            self._hand_over(None)

    def _hand_over(self, answer: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left who could want it
            self._loop.call_soon_threadsafe(self._answers.put_nowait, answer)
