"""Single calls over a portal that fails: what was asked twice is done once, and clocks are the portal's."""

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from glane.store import FolderStore
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience
from publish.ckan.faults import BusyError, RefusedError
from publish.ckan.lease import check_free, new_lease
from tests.publish.loopback import Answer, serving

SOON = Patience(connect=2, answer=2, pauses=(0.01, 0.01))
LATE = Answer(504, b"<html><head><title>Gateway Time-out</title></head></html>")
REFUSED = Answer(409, b'{"success": false, "error": {"__type": "Validation Error", "match": ["metadata_modified"]}}')


def test_what_a_portal_did_after_its_gateway_gave_up_is_no_refusal_when_asked_again() -> None:
    answers, looked = [LATE, REFUSED], [None, "done by the first"]
    with serving(lambda request: answers.pop(0)) as there, Api(PortalAddress(there.url, "token"), SOON) as api:
        assert api.write("package_revise", {}, done=lambda: looked.pop(0)) == "done by the first"
        answers += [LATE, REFUSED]
        with pytest.raises(RefusedError):
            api.write("package_revise", {}, done=lambda: None)


def test_a_refusal_at_once_is_believed() -> None:
    with (
        serving(lambda request: REFUSED) as there,
        Api(PortalAddress(there.url, "token"), SOON) as api,
        pytest.raises(RefusedError),
    ):
        api.write("package_revise", {}, done=lambda: "something else")


SATURDAY = datetime(2026, 11, 21, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Sat, 21 Nov 2026 06:00:00 GMT", SATURDAY),
        ("Sat, 21 Nov 2026 06:00:00 -0000", SATURDAY),
        ("last Saturday", None),
    ],
)
def test_what_time_it_is_the_portal_says(monkeypatch: pytest.MonkeyPatch, said: str, meant: datetime | None) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda handler: said)
    answer = Answer(200, json.dumps({"success": True, "result": {}}).encode())
    with serving(lambda request: answer) as there, Api(PortalAddress(there.url, "token"), SOON) as api:
        assert abs(api.now() - datetime.now(UTC)) < timedelta(minutes=1)
        api.read("status_show")
        assert abs(api.now() - (meant or datetime.now(UTC))) < timedelta(minutes=1)


def test_a_lease_of_another_store_is_believed_for_an_hour_of_the_portals_clock(tmp_path: Path) -> None:
    ours, theirs = FolderStore(tmp_path / "ours"), FolderStore(tmp_path / "theirs")
    now = SATURDAY
    lease = new_lease(theirs, "1.0.0", "1.1.0", now).text()
    for minutes in (-59, 0, 59):
        with pytest.raises(BusyError, match=r"version 1\.1\.0 on the page since 2026-11-21T06:00:00"):
            check_free(lease, ours, "the page", now + timedelta(minutes=minutes))
    for minutes in (-61, 61):
        assert not check_free(lease, ours, "the page", now + timedelta(minutes=minutes))
    assert not check_free(lease, theirs, "the page", now)
    assert check_free("", ours, "the page", now)
    for edited in ("somebody's note", lease.replace("+00:00", ""), lease.replace("2026-11-21", "2026-99-99")):
        assert not check_free(edited, ours, "the page", now)
