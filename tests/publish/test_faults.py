"""A portal that fails: what is said, what is repeated, and that the token never goes elsewhere."""

import json
from pathlib import Path

import pytest

from publish.ckan.address import AddressError, PortalAddress, read_address
from publish.ckan.api import Api, Patience
from publish.ckan.faults import (
    NoAnswerError,
    NotCkanError,
    PortalError,
    ReadBackError,
    RefusedError,
    RightsError,
    TooLargeError,
)
from publish.verify import verify_portal
from tests.fixtures_portal import Portal
from tests.publish.loopback import Answer, Request, passed_on, serving
from tests.publish.test_build import ANGERS, NANTES
from tests.publish.test_publication import Bench

SOON = Patience(connect=2, answer=2, pauses=(0.01, 0.01))
TOKEN = "s3cret-token"
HTML = b"<html><head><title>Internal Server Error</title></head></html>"


def ok(result: object) -> Answer:
    return Answer(200, json.dumps({"success": True, "result": result}).encode())


def wrong(status: int, kind: str, **words: object) -> Answer:
    return Answer(status, json.dumps({"success": False, "error": {"__type": kind, **words}}).encode())


def test_a_500_with_a_page_of_html_says_what_answered_and_what_to_do() -> None:
    with serving(lambda request: Answer(500, HTML)) as there, Api(PortalAddress(there.url, TOKEN), SOON) as api:
        with pytest.raises(NoAnswerError, match=r"answered 500 to package_show \(Internal Server Error\)") as failure:
            api.read("package_show", id="x")
        assert "the portal's own log" in failure.value.remedy
        assert failure.value.exit_code == 3
        assert len(there.seen) == 3


@pytest.mark.parametrize(
    ("status", "body"), [(404, HTML), (200, b"<html><title>Our blog</title></html>"), (200, b"[]")]
)
def test_what_is_no_ckan_is_told_so_at_once(status: int, body: bytes) -> None:
    with serving(lambda request: Answer(status, body)) as there, Api(PortalAddress(there.url, TOKEN), SOON) as api:
        with pytest.raises(NotCkanError, match=rf"no CKAN: {status} to status_show") as failure:
            api.read("status_show")
        assert failure.value.remedy == (
            f"Is this the address of a CKAN (GLANE_PORTAL, --to)? Then {there.url}/api/3/action/status_show answers."
        )
        assert len(there.seen) == 1


def test_an_upload_tells_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_bytes(b"x" * 100_000)
    told: list[tuple[str, int, int]] = []
    with (
        serving(lambda request: ok({})) as there,
        Api(PortalAddress(there.url, TOKEN), SOON, lambda *how: told.append(how)) as api,
    ):
        api.write("package_revise", {"a": "b"}, files=[("upload", "sites.csv", tmp_path / "sites.csv")])
        sent = len(there.seen[0].body)
    assert told[-1] == ("sites.csv", sent, sent)
    assert told == sorted(told)
    assert len(told) > 2


def test_a_403_is_about_the_token_and_is_not_repeated() -> None:
    answers = [wrong(403, "Authorization Error", message="Access denied"), Answer(403, b"<html>Forbidden</html>")]
    with serving(lambda request: answers.pop(0)) as there, Api(PortalAddress(there.url, TOKEN), SOON) as api:
        for _ in range(2):
            with pytest.raises(RightsError, match="does not let this token do package_show") as failure:
                api.read("package_show", id="x")
            assert "has not expired" in failure.value.remedy
            assert TOKEN not in str(failure.value)
        assert len(there.seen) == 2


def test_a_portal_that_answers_nothing_or_is_not_there_is_named() -> None:
    with serving(lambda request: None) as there, Api(PortalAddress(there.url, TOKEN), SOON) as api:
        with pytest.raises(NoAnswerError, match="broke off"):
            api.read("status_show")
        address = there.url
    with (
        Api(PortalAddress(address, TOKEN), SOON) as api,
        pytest.raises(NoAnswerError, match="does not answer") as failure,
    ):
        api.write("package_create", {})
    assert "Check the address" in failure.value.remedy


def test_what_the_portal_judges_is_told_in_its_own_words() -> None:
    answers = [
        wrong(409, "Validation Error", match=["metadata_modified"]),
        wrong(409, "Validation Error", tags=["Tag too short"]),
        # Word for word what CKAN 2.12 answers, on its own disk and on another storage.
        wrong(409, "Validation Error", upload=["File upload too large"]),
        wrong(409, "Validation Error", upload=["Upload size 1500000 surpasses max allowed size 1000000"]),
    ]
    with serving(lambda request: answers.pop(0)) as there, Api(PortalAddress(there.url, TOKEN), SOON) as api:
        with pytest.raises(RefusedError) as failure:
            api.write("package_revise", {})
        assert failure.value.unmatched
        with pytest.raises(RefusedError, match="Tag too short"):
            api.write("package_revise", {})
        for _ in range(2):
            with pytest.raises(TooLargeError, match="too large"):
                api.write("package_revise", {})


def test_a_busy_portal_is_asked_again_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("publish.ckan.api.time.sleep", waited.append)
    answers = [Answer(429, b"", {"Retry-After": "7"}), Answer(503, b""), ok("done")]
    with serving(lambda request: answers.pop(0)) as there, Api(PortalAddress(there.url, TOKEN), SOON) as api:
        assert api.write("package_revise", {}) == "done"
    assert waited == [7.0, 0.01]


def test_a_lost_answer_to_a_change_is_made_good_by_looking() -> None:
    looked = [None, {"package": "as wanted"}]
    with serving(lambda request: Answer(502, HTML)) as there, Api(PortalAddress(there.url, TOKEN), SOON) as api:
        assert api.write("package_revise", {}, done=lambda: looked.pop(0)) == {"package": "as wanted"}
        assert len(there.seen) == 2
        with pytest.raises(NoAnswerError):
            api.write("package_revise", {})
        assert len(there.seen) == 3


def test_the_token_goes_to_the_portal_s_api_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(lambda request: Answer(200, b"bytes")) as elsewhere:

        def answer(request: Request) -> Answer:
            if request.path.startswith("/api/"):
                return Answer(302, b"", {"Location": f"{elsewhere.url}/api/action/status_show"})
            return Answer(302, b"", {"Location": f"{elsewhere.url}/file"})

        with serving(answer) as there, Api(PortalAddress(there.url, TOKEN), SOON) as api:
            with pytest.raises(PortalError, match="sends us to"):
                api.read("status_show")
            assert api.digest(f"{there.url}/file")[1] == 5
            assert there.seen[0].headers["Authorization"] == TOKEN
            assert [request.path for request in elsewhere.seen] == ["/file"]
            everything = [*there.seen[1:], *elsewhere.seen]
            assert not any(TOKEN in str(request.headers) for request in everything)


def test_a_file_that_readers_cannot_get_is_said() -> None:
    with (
        serving(lambda request: Answer(404)) as there,
        Api(PortalAddress(there.url, TOKEN), SOON) as api,
        pytest.raises(ReadBackError, match="answers 404 to a reader without a token"),
    ):
        api.digest(f"{there.url}/file")


def test_an_address_that_cannot_be_used_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    for url in ("portal.example.org", "ftp://portal", "https://me:pw@portal.example.org"):
        with pytest.raises(AddressError, match="is no portal's address"):
            PortalAddress(url, TOKEN)
    with pytest.raises(AddressError, match="token is empty"):
        PortalAddress("https://portal.example.org", " \n")
    with pytest.raises(AddressError, match="Cannot read the portal's token"):
        read_address("https://portal.example.org", tmp_path / "none")
    address = PortalAddress("https://inner:8443/ckan/", TOKEN)
    assert TOKEN not in repr(address)
    assert (
        address.ours("https://data.example.org/dataset/x", "https://data.example.org")
        == "https://inner:8443/ckan/dataset/x"
    )
    assert address.ours("https://s3.example.org/x", "https://data.example.org") == "https://s3.example.org/x"


@pytest.mark.long
@pytest.mark.portal
@pytest.mark.parametrize("by", ["gateway", "CKAN"])
def test_a_file_too_large_for_the_portal_is_left_out_but_never_the_csv(portal: Portal, tmp_path: Path, by: str) -> None:
    bench = Bench(portal, tmp_path)
    refusal = Answer(413, HTML) if by == "gateway" else wrong(409, "Validation Error", upload=["File upload too large"])

    def answer(request: Request) -> Answer:
        return refusal if b".xlsx" in request.body and b"filename" in request.body else passed_on(request, portal.url)

    with serving(answer) as proxy:
        bench.address = PortalAddress(proxy.url, portal.token)
        receipt = bench.publish(bench.version(ANGERS))
        assert receipt.omitted == (f"{bench.dataset.name}-sites.xlsx",)
        assert bench.read() == "1.0.0"
        assert "sites.xlsx" not in receipt.resources
    with serving(lambda r: refusal if b"filename" in r.body else passed_on(r, portal.url)) as proxy:
        bench.address = PortalAddress(proxy.url, portal.token)
        with pytest.raises(TooLargeError, match="max_resource_size|too large"):
            bench.publish(bench.version(ANGERS, NANTES))
    assert bench.read() == "1.0.0"


@pytest.mark.portal
def test_answers_lost_after_the_work_was_done_change_nothing(portal: Portal, tmp_path: Path) -> None:
    bench = Bench(portal, tmp_path)
    lost: set[str] = set()

    def answer(request: Request) -> Answer | None:
        given = passed_on(request, portal.url)
        action = request.path.rsplit("/", 1)[-1] + ("+files" if b"filename" in request.body else "")
        changes = request.path.startswith("/api/action/") and not request.path.endswith(("_show", "_list_for_user"))
        if changes and action not in lost:
            lost.add(action)
            return None
        return given

    with serving(answer) as proxy:
        bench.address = PortalAddress(proxy.url, portal.token)
        version = bench.version(ANGERS, NANTES)
        bench.publish(version)
    assert {"package_create", "package_revise", "package_revise+files", "datastore_create", "datastore_upsert"} <= lost
    bench.address = PortalAddress(portal.url, portal.token)
    bench.check_whole(version)
    assert bench.publish(version).unchanged


@pytest.mark.portal
def test_wrong_bytes_read_back_are_never_linked(portal: Portal, tmp_path: Path) -> None:
    bench = Bench(portal, tmp_path)
    bench.publish(bench.version(ANGERS))
    version = bench.version(ANGERS, NANTES)

    def answer(request: Request) -> Answer:
        given = passed_on(request, portal.url)
        if request.method == "GET" and request.path.endswith("-sites.csv"):
            given.body = given.body[:-10]
        return given

    with serving(answer) as proxy:
        bench.address = PortalAddress(proxy.url, portal.token)
        with pytest.raises(ReadBackError, match="does not serve the bytes that were sent"):
            bench.publish(version)
        assert any(
            "-sites.csv" in fault.where for fault in verify_portal(bench.store, bench.dataset.name, bench.address)
        )
    assert bench.read() == "1.0.0"
    bench.address = PortalAddress(portal.url, portal.token)
    bench.publish(version)
    bench.check_whole(version)
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
