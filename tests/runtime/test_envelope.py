"""Envelopes: what is written can be read again, and nothing that anybody sends raises another error."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plumewatch.v1 import alert_pb2, track_pb2
from services.runtime.envelope import (
    PAYLOAD_LIMIT,
    EnvelopeError,
    Status,
    acknowledgement_envelope,
    alert_envelope,
    format_instant,
    parse_envelope,
    status_envelope,
    track_envelope,
)

NS = 1_772_000_000_123_456_789


def an_alert() -> alert_pb2.Alert:
    alert = alert_pb2.Alert(
        event_id="ev-1", revision=3, issuer="gs-1", state=alert_pb2.ALERT_STATE_CONFIRMED, time_unix_ns=NS
    )
    alert.launch.point.latitude_deg = -30.9
    return alert


def test_alert_is_a_cloud_event() -> None:
    document = json.loads(alert_envelope(an_alert()))
    assert document["specversion"] == "1.0"
    assert (document["id"], document["source"], document["type"]) == ("ev-1/3", "gs-1", "plumewatch.v1.Alert")
    assert document["time"] == "2026-02-25T06:13:20.123456789Z"


def test_data_is_proto_json_with_defaults_and_text_for_64_bits() -> None:
    data = json.loads(alert_envelope(an_alert()))["data"]
    assert data["time_unix_ns"] == str(NS)
    assert data["state"] == "ALERT_STATE_CONFIRMED"
    assert data["exercise"] is False
    assert data["satellite_ids"] == []
    # Presence means something: what is unset is not printed.
    assert "present" not in data
    assert "time_left_s" not in data


def test_each_kind_comes_back_as_it_went() -> None:
    track = track_pb2.Track(track_id="tr-1", time_unix_ns=NS)
    acknowledgement = alert_pb2.Acknowledgement(event_id="ev-1", revision=2, operator="Grüße ☄", note="[red]\x1b[2J")
    status = Status("ground-station", "gs-1", "draining")
    for payload, message, time_unix_ns in (
        (alert_envelope(an_alert()), an_alert(), NS),
        (track_envelope(track, "gs-1"), track, NS),
        (acknowledgement_envelope(acknowledgement, "operator"), acknowledgement, None),
        (status_envelope(status, NS), status, NS),
    ):
        envelope = parse_envelope(payload)
        assert envelope.data == message
        assert envelope.time_unix_ns == time_unix_ns


def test_last_will_carries_no_time() -> None:
    assert "time" not in json.loads(status_envelope(Status("relay", "relay-1", "down")))


def test_two_acknowledgements_have_two_ids() -> None:
    acknowledgement = alert_pb2.Acknowledgement(event_id="ev-1", operator="me")
    ids = {json.loads(acknowledgement_envelope(acknowledgement, "me"))["id"] for _ in range(2)}
    assert len(ids) == 2


def test_fields_of_a_later_version_are_left_out() -> None:
    document = json.loads(alert_envelope(an_alert()))
    document["data"]["a_field_of_tomorrow"] = {"x": 1}
    document["traceparent"] = "an extension attribute"
    assert parse_envelope(json.dumps(document).encode()).data == an_alert()


@given(st.integers(0, 2**63))
def test_instants_come_back_to_the_nanosecond(unix_ns: int) -> None:
    assert parse_envelope(status_envelope(Status("a", "b", "up"), unix_ns)).time_unix_ns == unix_ns
    assert format_instant(unix_ns).endswith("Z")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"specversion": "0.3"}, "CloudEvents 1.0"),
        ({"id": 7}, "id is 7"),
        ({"type": "plumewatch.v1.Frame"}, "type is 'plumewatch.v1.Frame'"),
        ({"type": None}, "type is None"),
        ({"data": None}, "data is missing"),
        ({"data": []}, "data is missing"),
        ({"data": {"revision": "1"}}, "event_id"),
        ({"data": {"event_id": "a"}}, "no event_id or no revision"),
        ({"data": {"event_id": "../x", "revision": "1"}}, "event_id is '../x'"),
        ({"data": {"event_id": "a", "revision": "minus one"}}, "no plumewatch.v1.Alert"),
        ({"data": {"event_id": "a", "revision": 1, "launch": 3}}, "no plumewatch.v1.Alert"),
        ({"time": "yesterday"}, "time is 'yesterday'"),
        ({"time": "2026-13-45T00:00:00Z"}, "time is '2026-13-45"),
        ({"type": "plumewatch.v1.Status", "data": {"service": "a", "instance": "b", "state": "on"}}, "state is 'on'"),
        ({"type": "plumewatch.v1.Status", "data": {"service": "a/b", "instance": "b", "state": "up"}}, "service is"),
    ],
)
def test_what_is_no_envelope_of_ours_is_named(change: dict[str, Any], problem: str) -> None:
    document = json.loads(alert_envelope(an_alert())) | change
    with pytest.raises(EnvelopeError, match=problem):
        parse_envelope(json.dumps(document).encode())


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xfe", b"[" * 100_000, b"{}", b"null", b'"text"', b"9" * 5_000, b" " * (PAYLOAD_LIMIT + 1)]
)
def test_rubbish_is_an_envelope_error(payload: bytes) -> None:
    with pytest.raises(EnvelopeError):
        parse_envelope(payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from([field.name for field in alert_pb2.Alert.DESCRIPTOR.fields])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(fields, json_values, max_size=6))
def test_no_value_of_any_field_raises_anything_else(data: dict[str, Any]) -> None:
    document = {"specversion": "1.0", "id": "a/1", "source": "s", "type": "plumewatch.v1.Alert", "data": data}
    with contextlib.suppress(EnvelopeError):
        parse_envelope(json.dumps({**document, "data": {"event_id": "a", "revision": 1} | data}).encode())
