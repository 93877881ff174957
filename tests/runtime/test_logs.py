"""Logs go to stderr, name their service, and are lines of JSON where asked for."""

import json
import subprocess
import sys

import pytest

from services.runtime.logs import configure_logs

PROGRAM = """
import logging, structlog
from services.runtime.logs import configure_logs
log = structlog.get_logger()
configure_logs("relay", {level!r}, {as_json})
log.debug("fine")
log.info("port", number=50051)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it broke")
logging.getLogger("some.library").warning("careful: %d", 7)
logging.getLogger("some.library").info("chatter")
print("result")
"""


def run(level: str, as_json: bool) -> tuple[str, str]:
    command = [sys.executable, "-c", PROGRAM.format(level=level, as_json=as_json)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return ended.stdout, ended.stderr


def test_json_logs_are_a_document_a_line_and_stdout_stays_free() -> None:
    out, err = run("info", as_json=True)
    assert out == "result\n"
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["event"] for event in events] == ["port", "it broke", "careful: 7"]
    assert events[0] == {**events[0], "service": "relay", "number": 50051, "level": "info"}
    assert "ZeroDivisionError" in json.dumps(events[1])
    assert events[2]["level"] == "warning"


def test_lines_for_eyes_have_no_colours_in_a_file() -> None:
    _, err = run("debug", as_json=False)
    assert "fine" in err
    assert "number=50051" in err
    assert "ZeroDivisionError" in err
    assert "careful: 7" in err
    assert "chatter" not in err
    assert "\x1b" not in err


def test_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="log level 'loud' is not one of debug, info"):
        configure_logs("relay", "loud")
