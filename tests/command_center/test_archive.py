"""The archive keeps every revision once, whatever kills the program between two of them."""

from pathlib import Path

import pytest

from plumewatch.v1 import alert_pb2
from services.command_center.archive import AlertArchive, read_archive
from services.runtime.errors import BadInputError


def an_alert(event_id: str, revision: int) -> alert_pb2.Alert:
    return alert_pb2.Alert(event_id=event_id, revision=revision, issuer="gs-1", time_unix_ns=10**18)


def test_each_revision_is_kept_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "alerts.jsonl"
    with AlertArchive(path) as archive:
        assert archive.add(an_alert("a", 1))
        assert archive.add(an_alert("a", 3))
        assert not archive.add(an_alert("a", 3))
        assert not archive.add(an_alert("a", 2))
    # The broker says it all again after a restart.
    with AlertArchive(path) as archive:
        assert not archive.add(an_alert("a", 3))
        assert archive.add(an_alert("b", 1))
    assert [(alert.event_id, alert.revision) for alert in read_archive(path)] == [("a", 1), ("a", 3), ("b", 1)]


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_line_cut_short_by_a_kill_spoils_no_other(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "alerts.jsonl"
    with AlertArchive(path) as archive:
        archive.add(an_alert("a", 1))
        archive.add(an_alert("a", 2))
    path.write_bytes(path.read_bytes()[:-cut])
    with AlertArchive(path) as archive:
        # A line that only lost its end of line is whole.
        assert archive.add(an_alert("a", 2)) == (cut > 1)
        archive.add(an_alert("a", 3))
    assert [alert.revision for alert in read_archive(path)] == [1, 2, 3]


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"file/alerts\.jsonl: cannot be used as an archive"):
        AlertArchive(tmp_path / "file" / "alerts.jsonl")
