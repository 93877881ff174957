"""Every accepted revision, one envelope a line, in a file that survives a kill between two lines."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from plumewatch.v1 import alert_pb2
from services.runtime.envelope import EnvelopeError, alert_envelope, parse_envelope
from services.runtime.errors import BadInputError


class AlertArchive:
    """Appends to a JSONL file. `plumewatch score --alerts` reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._revisions = _read_revisions(path)
            self._file = path.open("ab")
        except OSError as error:
            raise BadInputError(str(path), f"cannot be used as an archive: {error.strerror}") from error
        if not _ends_with_line(path):
            # A kill cut the last line short; what follows must not be glued to it.
            self._file.write(b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, alert: alert_pb2.Alert) -> bool:
        """Write a revision to disk; return whether it was not there yet. After a restart the broker sends old ones."""
        if alert.revision <= self._revisions.get(alert.event_id, 0):
            return False
        self._revisions[alert.event_id] = alert.revision
        self._file.write(alert_envelope(alert) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        return True


def read_archive(path: Path) -> list[alert_pb2.Alert]:
    """Return all revisions of an archive in the order they came; lines that a kill cut short are left out."""
    alerts = []
    with path.open("rb") as lines:
        for line in lines:
            try:
                data = parse_envelope(line).data
            except EnvelopeError:
                continue
            if isinstance(data, alert_pb2.Alert):
                alerts.append(data)
    return alerts


def _read_revisions(path: Path) -> dict[str, int]:
    revisions: dict[str, int] = {}
    if path.exists():
        for alert in read_archive(path):
            revisions[alert.event_id] = max(alert.revision, revisions.get(alert.event_id, 0))
    return revisions


def _ends_with_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
