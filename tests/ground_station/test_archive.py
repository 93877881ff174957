"""What the archive keeps, over closing and killing."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumewatch.v1 import alert_pb2
from services.ground_station.archive import Archive, ArchiveError, Settlement, StreamState
from services.ground_station.ingest import Loss


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "archive.sqlite3"


@pytest.fixture
def archive(path: Path) -> Iterator[Archive]:
    archive = Archive(path)
    yield archive
    archive.close()


def settlement(sequence: int, *losses: Loss, satellite_id: str = "sat-1", batch: bytes | None = b"x") -> Settlement:
    state = StreamState(sequence, 100 + sequence, sequence + 1, 2 * sequence, 0)
    return Settlement("run-1", satellite_id, state, losses, batch)


def alert(
    event_id: str, revision: int, state: alert_pb2.AlertState = alert_pb2.ALERT_STATE_CONFIRMED
) -> alert_pb2.Alert:
    return alert_pb2.Alert(event_id=event_id, revision=revision, run_id="run-1", state=state)


def test_settled_streams_come_back_after_reopening(path: Path, archive: Archive) -> None:
    loss = Loss(1, 3, "skipped", "frame 4 came instead")
    assert archive.settle([settlement(0), settlement(4, loss), settlement(0, satellite_id="sat-2")], 7) == [1, 2, 3]
    archive.settle([settlement(5, Loss(5, 5, "refused", "NaN"), batch=None)], 8)
    archive.close()
    again = Archive(path)
    assert again.stream("run-1", "sat-1") == StreamState(5, 105, 6, 10, 0)
    assert again.losses("run-1", "sat-1") == [loss, Loss(5, 5, "refused", "NaN")]
    assert again.satellites("run-1") == ["sat-1", "sat-2"]
    assert again.newest_run() == "run-1"
    assert again.batches("run-1", 1 << 62) == [(1, 7, b"x"), (2, 7, b"x"), (3, 7, b"x")]
    assert again.batches("run-1", 3) == [(1, 7, b"x"), (2, 7, b"x")]
    again.close()


def test_unknown_stream_is_a_new_one(archive: Archive) -> None:
    assert archive.stream("run-1", "sat-9") == StreamState()
    assert archive.newest_run() == ""


def test_batch_is_never_kept_twice_and_a_failed_group_leaves_nothing(archive: Archive) -> None:
    archive.settle([settlement(0)], 7)
    with pytest.raises(sqlite3.IntegrityError):
        archive.settle([settlement(1), settlement(0)], 8)
    assert archive.stream("run-1", "sat-1").settled_sequence == 0
    archive.settle([settlement(1)], 9)


def test_newest_revision_is_found_and_all_are_kept(archive: Archive) -> None:
    archive.write_alerts([alert("e1", 1), alert("e2", 1)], 5, 3, ("run-1", 11))
    archive.write_alerts([alert("e1", 2, alert_pb2.ALERT_STATE_ENDED)], 6, 4)
    assert [(a.event_id, a.revision) for a in archive.newest_alerts("run-1")] == [("e1", 2), ("e2", 1)]
    assert [a.revision for a in archive.revisions("e1")] == [1, 2]
    assert [a.event_id for a in archive.open_events()] == ["e2"]
    assert archive.tracked_through("run-1") == 11
    assert archive.tracked_through("run-2") == 0


def test_revision_is_never_written_twice(archive: Archive) -> None:
    archive.write_alerts([alert("e1", 1)], 5)
    with pytest.raises(sqlite3.IntegrityError):
        archive.write_alerts([alert("e2", 1), alert("e1", 1)], 6)
    assert archive.revisions("e2") == []


def test_recent_and_past_events_part_at_the_hour_of_closing(archive: Archive) -> None:
    ended = alert_pb2.ALERT_STATE_ENDED
    archive.write_alerts([alert("open", 1)], 1, 9)
    archive.write_alerts([alert("old", 1, ended)], 10)
    archive.write_alerts([alert("older", 1, ended)], 5)
    archive.write_alerts([alert("new", 1, ended)], 20, 8)
    assert [(a.event_id, arrival) for a, arrival in archive.recent_events(15)] == [("open", 9), ("new", 8)]
    assert archive.past_events(5, 15) == ["old"]


def test_acknowledgement_keeps_the_arrival_of_the_frame_behind(archive: Archive) -> None:
    archive.write_alerts([alert("e1", 1)], 5, 3)
    archive.write_alerts([alert("e1", 2)], 6)
    assert [(a.revision, arrival) for a, arrival in archive.recent_events(0)] == [(2, 3)]


def test_publication_is_noted_on_its_own_revision(archive: Archive) -> None:
    archive.write_alerts([alert("e1", 1)], 5)
    archive.write_alerts([alert("e1", 2)], 6)
    published = alert("e1", 1)
    published.latency.published_s = 0.25
    archive.note_published(published)
    assert [a.latency.published_s for a in archive.revisions("e1")] == [0.25, 0.0]
    assert archive.newest_alerts("run-1")[0].revision == 2


def test_pages_go_from_newest_to_oldest_and_end(archive: Archive) -> None:
    archive.write_alerts([alert(f"e{k}", 1) for k in range(5)], 5)
    names, before = [], None
    for _ in range(3):
        page, before = archive.page([], 2, before)
        names.append([a.event_id for a in page])
    assert names == [["e4", "e3"], ["e2", "e1"], ["e0"]]
    assert before is None
    assert archive.page([alert_pb2.ALERT_STATE_ENDED], 2, None) == ([], None)


def test_batches_of_earlier_runs_are_forgotten_by_age(archive: Archive) -> None:
    archive.settle([settlement(0)], 5)
    assert archive.forget_batches(10, "run-1") == 0
    assert archive.forget_batches(10, "run-2") == 1
    # What is settled stays settled.
    assert archive.stream("run-1", "sat-1").settled_sequence == 0


def test_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    rubbish = tmp_path / "archive.sqlite3"
    rubbish.write_bytes(b"no database" * 100)
    with pytest.raises(ArchiveError, match=r"archive\.sqlite3.*--state-dir"):
        Archive(rubbish)


def test_archive_of_another_version_is_left_alone(path: Path, archive: Archive) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    archive.close()
    with pytest.raises(ArchiveError, match="version 99"):
        Archive(path)


def test_second_station_on_one_archive_is_refused(path: Path, archive: Archive) -> None:
    with pytest.raises(ArchiveError, match="another ground station uses it"):
        Archive(path)
    archive.close()
    Archive(path).close()


def test_full_disk_is_named_and_loses_nothing_that_was_committed(archive: Archive) -> None:
    archive.settle([settlement(0)], 7)
    (pages,) = archive._connection.execute("PRAGMA page_count").fetchone()
    archive._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(ArchiveError, match=r"full.*nothing acknowledged is lost"):
        archive.settle([settlement(1, batch=bytes(100_000))], 8)
    assert archive.stream("run-1", "sat-1").settled_sequence == 0
    archive._connection.execute("PRAGMA max_page_count=1000000")
    archive.settle([settlement(1)], 9)
