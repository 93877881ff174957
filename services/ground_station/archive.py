"""What the ground station must not forget, in one SQLite file: settled streams, detection batches, alerts.

Everything here blocks, and belongs into the one thread that owns the connection. A method that writes is one
transaction, on the disk when it returns.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from plumewatch.v1 import alert_pb2
from services.ground_station.ingest import Cause, Loss
from services.runtime.errors import PlumewatchError

# Changes with the tables; a file of another version is not guessed at.
VERSION = 1
SCHEMA = """
CREATE TABLE streams (
  run_id TEXT NOT NULL, satellite_id TEXT NOT NULL,
  settled_sequence INTEGER NOT NULL,            -- -1: none
  newest_readout_end_unix_ns INTEGER NOT NULL,  -- of the newest frame taken; 0: none
  frames_committed INTEGER NOT NULL, detections INTEGER NOT NULL, frames_repeated INTEGER NOT NULL,
  PRIMARY KEY (run_id, satellite_id)) WITHOUT ROWID;
CREATE TABLE batches (  -- number: the order of commits, which is the order of tracking
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL, satellite_id TEXT NOT NULL, sequence INTEGER NOT NULL,
  committed_wall_unix_ns INTEGER NOT NULL, batch BLOB NOT NULL,
  UNIQUE (run_id, satellite_id, sequence));
CREATE INDEX batches_by_run ON batches (run_id);
CREATE TABLE losses (
  run_id TEXT NOT NULL, satellite_id TEXT NOT NULL, first_sequence INTEGER NOT NULL, last_sequence INTEGER NOT NULL,
  cause TEXT NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (run_id, satellite_id, first_sequence)) WITHOUT ROWID;
CREATE TABLE events (  -- the newest revision of each; number: the order in which they began
  number INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
  state INTEGER NOT NULL, changed_wall_unix_ns INTEGER NOT NULL,
  arrival_wall_unix_ns INTEGER NOT NULL,  -- modelled arrival of the frame behind it; 0: not known
  alert BLOB NOT NULL);
CREATE INDEX events_by_run ON events (run_id);
CREATE TABLE revisions (
  event_id TEXT NOT NULL, revision INTEGER NOT NULL, alert BLOB NOT NULL,
  PRIMARY KEY (event_id, revision)) WITHOUT ROWID;
CREATE TABLE tracked (  -- up to which batch the alerts of a run say what tracking knew
  run_id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""
OPEN_STATES = (alert_pb2.ALERT_STATE_DETECTED, alert_pb2.ALERT_STATE_CONFIRMED)


class ArchiveError(PlumewatchError):
    """The archive's file cannot be used."""


@dataclass(frozen=True)
class StreamState:
    """One satellite's stream in one run, as committed. settled_sequence -1, newest_readout_end_unix_ns 0: none."""

    settled_sequence: int = -1
    newest_readout_end_unix_ns: int = 0
    frames_committed: int = 0
    detections: int = 0
    frames_repeated: int = 0


@dataclass(frozen=True)
class Settlement:
    """What one message brings to the archive. batch: its detections, serialised; None: it was refused."""

    run_id: str
    satellite_id: str
    stream: StreamState
    losses: tuple[Loss, ...] = ()
    batch: bytes | None = None


class Archive:
    """The file, open. Use it from one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with ExitStack() as opened:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                opened.callback(os.close, _locked(path.with_suffix(".lock")))
                # Opened where the program starts and used in the archive's own thread from then on.
                self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                opened.callback(self._connection.close)
                self._connection.execute("PRAGMA journal_mode=WAL")
                # FULL: a commit is on the disk when it returns, even if the power fails after it.
                self._connection.execute("PRAGMA synchronous=FULL")
                self._open_version(path)
            except (sqlite3.Error, OSError) as error:
                remedy = "choose another --state-dir or move the file away"
                raise ArchiveError(f"archive {path}: {error}; {remedy}") from error
            self._opened = opened.pop_all()

    def _open_version(self, path: Path) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
        elif version != VERSION:
            raise ArchiveError(
                f"archive {path} has version {version}, this program {VERSION}; move the file away to start a new one"
            )

    def close(self) -> None:
        """Leave the file in order."""
        self._opened.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            # Nothing may be acknowledged or published that is not kept.
            raise ArchiveError(
                f"archive {self._path}: {error}; see to the disk and start again, nothing acknowledged is lost"
            ) from error

    def settle(self, settlements: Sequence[Settlement], wall_unix_ns: int) -> list[int]:
        """Commit what messages brought, in this order; return the numbers of the batches among them."""
        numbers = []
        with self._transaction() as connection:
            for item in settlements:
                key = (item.run_id, item.satellite_id)
                connection.executemany(
                    "INSERT INTO losses VALUES (?, ?, ?, ?, ?, ?)",
                    [(*key, loss.first_sequence, loss.last_sequence, loss.cause, loss.detail) for loss in item.losses],
                )
                stream = item.stream
                if item.batch is not None:
                    cursor = connection.execute(
                        "INSERT INTO batches (run_id, satellite_id, sequence, committed_wall_unix_ns, batch) "
                        "VALUES (?, ?, ?, ?, ?)",
                        (*key, stream.settled_sequence, wall_unix_ns, item.batch),
                    )
                    assert cursor.lastrowid is not None
                    numbers.append(cursor.lastrowid)
                connection.execute(
                    "INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        *key,
                        stream.settled_sequence,
                        stream.newest_readout_end_unix_ns,
                        stream.frames_committed,
                        stream.detections,
                        stream.frames_repeated,
                    ),
                )
        return numbers

    def stream(self, run_id: str, satellite_id: str) -> StreamState:
        """Return a stream's committed state; that of a new one where it has never been seen."""
        row = self._connection.execute(
            "SELECT settled_sequence, newest_readout_end_unix_ns, frames_committed, detections, frames_repeated "
            "FROM streams WHERE run_id = ? AND satellite_id = ?",
            (run_id, satellite_id),
        ).fetchone()
        return StreamState(*row) if row else StreamState()

    def satellites(self, run_id: str) -> list[str]:
        """Return the satellites of a run that have settled anything."""
        rows = self._connection.execute("SELECT satellite_id FROM streams WHERE run_id = ?", (run_id,))
        return [satellite_id for (satellite_id,) in rows]

    def losses(self, run_id: str, satellite_id: str) -> list[Loss]:
        """Return a stream's losses in the order of their numbers."""
        rows = self._connection.execute(
            "SELECT first_sequence, last_sequence, cause, detail FROM losses "
            "WHERE run_id = ? AND satellite_id = ? ORDER BY first_sequence",
            (run_id, satellite_id),
        )
        return [Loss(first, last, _cause(cause), detail) for first, last, cause, detail in rows]

    def newest_run(self) -> str:
        """Return the run whose batch was committed last; empty: there is none."""
        row = self._connection.execute("SELECT run_id FROM batches ORDER BY number DESC LIMIT 1").fetchone()
        return str(row[0]) if row else ""

    def batches(self, run_id: str, before_number: int) -> list[tuple[int, int, bytes]]:
        """Return (number, wall instant of the commit, serialised batch) of a run, in the order of their commits."""
        return self._connection.execute(
            "SELECT number, committed_wall_unix_ns, batch FROM batches WHERE run_id = ? AND number < ? ORDER BY number",
            (run_id, before_number),
        ).fetchall()

    def tracked_through(self, run_id: str) -> int:
        """Return the batch up to which the run's alerts say all that tracking knew; 0: none."""
        row = self._connection.execute("SELECT number FROM tracked WHERE run_id = ?", (run_id,)).fetchone()
        return int(row[0]) if row else 0

    def write_alerts(
        self,
        alerts: Sequence[alert_pb2.Alert],
        wall_unix_ns: int,
        arrival_wall_unix_ns: int = 0,
        tracked: tuple[str, int] | None = None,
    ) -> None:
        """Commit new revisions.

        arrival_wall_unix_ns: modelled arrival of the frame behind them; 0: there is none, an event keeps what it has.
        tracked: the run and its batch that they are the last word on.
        """
        with self._transaction() as connection:
            for alert in alerts:
                data = alert.SerializeToString()
                connection.execute("INSERT INTO revisions VALUES (?, ?, ?)", (alert.event_id, alert.revision, data))
                connection.execute(
                    "INSERT INTO events (event_id, run_id, state, changed_wall_unix_ns, arrival_wall_unix_ns, alert) "
                    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO UPDATE SET state = excluded.state, "
                    "changed_wall_unix_ns = excluded.changed_wall_unix_ns, arrival_wall_unix_ns = "
                    "coalesce(nullif(excluded.arrival_wall_unix_ns, 0), arrival_wall_unix_ns), alert = excluded.alert",
                    (alert.event_id, alert.run_id, alert.state, wall_unix_ns, arrival_wall_unix_ns, data),
                )
            if tracked is not None:
                connection.execute("INSERT OR REPLACE INTO tracked VALUES (?, ?)", tracked)

    def note_published(self, alert: alert_pb2.Alert) -> None:
        """Keep a revision with the time at which it was handed to the broker, so that it is said the same again."""
        data = alert.SerializeToString()
        with self._transaction() as connection:
            connection.execute(
                "UPDATE revisions SET alert = ? WHERE event_id = ? AND revision = ?",
                (data, alert.event_id, alert.revision),
            )
            (newest,) = connection.execute(
                "SELECT max(revision) FROM revisions WHERE event_id = ?", (alert.event_id,)
            ).fetchone()
            if newest == alert.revision:
                connection.execute("UPDATE events SET alert = ? WHERE event_id = ?", (data, alert.event_id))

    def newest_alerts(self, run_id: str) -> list[alert_pb2.Alert]:
        """Return the newest revision of every event of a run, oldest event first."""
        rows = self._connection.execute("SELECT alert FROM events WHERE run_id = ? ORDER BY number", (run_id,))
        return [alert_pb2.Alert.FromString(data) for (data,) in rows]

    def open_events(self) -> list[alert_pb2.Alert]:
        """Return the newest revision of every event that is open, oldest first."""
        rows = self._connection.execute("SELECT alert FROM events WHERE state IN (?, ?) ORDER BY number", OPEN_STATES)
        return [alert_pb2.Alert.FromString(data) for (data,) in rows]

    def recent_events(self, closed_after_wall_unix_ns: int) -> list[tuple[alert_pb2.Alert, int]]:
        """Return events that are open or were closed after an instant, oldest first.

        Each as its newest revision and the wall instant of the modelled arrival of the frame behind it; 0: not known.
        """
        rows = self._connection.execute(
            "SELECT alert, arrival_wall_unix_ns FROM events WHERE state IN (?, ?) OR changed_wall_unix_ns > ? "
            "ORDER BY number",
            (*OPEN_STATES, closed_after_wall_unix_ns),
        )
        return [(alert_pb2.Alert.FromString(data), arrival) for data, arrival in rows]

    def past_events(self, closed_from_wall_unix_ns: int, closed_until_wall_unix_ns: int) -> list[str]:
        """Return the ids of events that were closed within a time."""
        rows = self._connection.execute(
            "SELECT event_id FROM events WHERE state NOT IN (?, ?) AND changed_wall_unix_ns > ? "
            "AND changed_wall_unix_ns <= ?",
            (*OPEN_STATES, closed_from_wall_unix_ns, closed_until_wall_unix_ns),
        )
        return [event_id for (event_id,) in rows]

    def page(
        self, states: Sequence[int], size: int, before_number: int | None
    ) -> tuple[list[alert_pb2.Alert], int | None]:
        """Return newest revisions, newest event first, and the number to go on before; None: there are no more."""
        wanted = f"state IN ({', '.join('?' * len(states))})" if states else "1"
        rows = self._connection.execute(
            f"SELECT number, alert FROM events WHERE {wanted} AND number < ? ORDER BY number DESC LIMIT ?",
            (*states, before_number if before_number is not None else 1 << 62, size + 1),
        ).fetchall()
        alerts = [alert_pb2.Alert.FromString(data) for _, data in rows[:size]]
        return alerts, rows[size - 1][0] if len(rows) > size else None

    def revisions(self, event_id: str) -> list[alert_pb2.Alert]:
        """Return all revisions of an event, oldest first; none where it does not exist."""
        rows = self._connection.execute("SELECT alert FROM revisions WHERE event_id = ? ORDER BY revision", (event_id,))
        return [alert_pb2.Alert.FromString(data) for (data,) in rows]

    def forget_batches(self, committed_before_wall_unix_ns: int, keep_run_id: str) -> int:
        """Delete the batches of all other runs that were committed before an instant; return how many."""
        with self._transaction() as connection:
            return connection.execute(
                "DELETE FROM batches WHERE committed_wall_unix_ns < ? AND run_id != ?",
                (committed_before_wall_unix_ns, keep_run_id),
            ).rowcount


def _cause(word: str) -> Cause:
    return "refused" if word == "refused" else "skipped"


def _locked(path: Path) -> int:
    """Return the descriptor of a lock file that is this process's until it closes it or dies."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise ArchiveError(
            f"archive in {path.parent}: another ground station uses it; stop that one or choose another --state-dir"
        ) from error
    return lock
