"""`files: store`: the portal links into a public store, every byte is read back there, and nothing else is shown."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import frictionless
import pytest
import requests

from glane.errors import CallError
from glane.store import FolderStore
from publish.build import build_version
from publish.ckan.address import AddressError, PortalAddress
from publish.ckan.api import Patience
from publish.ckan.faults import TooLargeError
from publish.ckan.probe import probe
from publish.ckan.public_store import ExposedError, PublicStoreError
from publish.ckan.publication import STEPS, Receipt, publish
from publish.ckan.rebuild import rebuild
from publish.diff import whole_csv
from publish.public_index import index_page
from publish.verify import verify_portal
from publish.version import Version, listed
from tests.fixtures_portal import Portal, free_port
from tests.publish.loopback import Answer, Loopback, Request, passed_on, serving
from tests.publish.material import DECLARATION, Cells, contribute, declare
from tests.publish.test_build import ANGERS, DAY, NANTES, RENNES
from tests.publish.test_publication import ONE_TABLE, PAGE, Bench, KilledError

HASTY = Patience(connect=2.0, answer=10.0, pauses=())
IN_STORE = ONE_TABLE.replace("\ntables:", "\nfiles: store\ntables:")
Spoil = Callable[[Request, Answer], Answer]


class PublicBench(Bench):
    """A bench whose store stands behind a web server that shows its folder versions/."""

    def __init__(self, portal: Portal, folder: Path, declaration: str = IN_STORE) -> None:
        super().__init__(portal, folder, declaration)
        self.shown: tuple[str, ...] = ("versions",)
        self.spoil: Spoil = lambda request, answer: answer

    def answer(self, request: Request) -> Answer:
        key = request.path.lstrip("/")
        file = self.store.root / key
        found = key.split("/")[0] in self.shown and file.is_file()
        return self.spoil(request, Answer(200, file.read_bytes()) if found else Answer(404))

    @contextmanager
    def served(self) -> Iterator[Loopback]:
        with serving(self.answer) as server:
            self.address = PortalAddress(self.portal.url, self.portal.token, self.portal.organisation, server.url)
            yield server

    def declared(self, declaration: str) -> None:
        """Change the declaration, as a steward does."""
        self.dataset = declare(self.dataset.folder.parent, declaration=declaration, name=self.dataset.name)

    def hastily(self, version: Version, *, kill: str | None = None) -> Receipt:
        def before(step: str) -> None:
            if step == kill:
                raise KilledError(step)

        return publish(version, self.dataset, self.store, self.address, self.said.append, patience=HASTY, before=before)

    def check_linked(self, version: Version, base: str) -> None:
        """The end state that every path must come to: a page of links into the public store, and its table."""
        assert self.read() == version.version
        page = self.show()
        assert page is not None
        assert [resource["glane_key"] for resource in page["resources"]] == PAGE
        home = f"{base}/versions/{self.dataset.name}"
        for resource in page["resources"]:
            own = resource["glane_key"] not in ("datapackage.json", "feed.xml")
            assert resource["url"].startswith(f"{home}/{version.version}/" if own else f"{home}/projected/")
            assert resource["url"] == resource["download_url"]
            got = requests.get(resource["url"], timeout=30).content
            assert (hashlib.sha256(got).hexdigest(), len(got)) == (resource["sha256"], resource["size"])
        assert [row["id"] for row in self.rows()] == [f"a--{n + 1}" for n in range(version.rows["sites"])]
        extras = {extra["key"]: extra["value"] for extra in page["extras"]}
        assert extras["glane_versions"] == f"{home}/index.html"


@pytest.fixture
def bench(portal: Portal, tmp_path: Path) -> PublicBench:
    return PublicBench(portal, tmp_path)


@pytest.mark.portal
def test_the_portal_holds_links_alone_and_every_version_is_in_the_store(bench: PublicBench) -> None:
    with bench.served() as server:
        first = bench.version(ANGERS)
        receipt = bench.publish(first)
        assert (receipt.sent, receipt.sent_bytes, receipt.omitted, receipt.dropped) == (0, 0, (), ())
        bench.check_linked(first, server.url)
        second = bench.version(ANGERS, NANTES)
        assert dict(bench.publish(second).datastore) == {"sites": "delta"}
        bench.check_linked(second, server.url)
        assert bench.show(f"{bench.dataset.name}-versions") is None
        page = bench.show()
        assert page is not None
        older = f"{server.url}/versions/{bench.dataset.name}/1.0.0/changelog.en.md"
        assert f"- [21 November 2026 (1.0.0)]({older})\n" in page["notes"]
        assert requests.get(older, timeout=30).status_code == 200
        seen = len(server.seen)
        assert bench.publish(second).unchanged
        assert {request.path.split("/")[1] for request in server.seen[seen:]} <= {"raw", "rows", "reports", "log"}
    with bench.served() as moved:
        bench.publish(second)
        bench.check_linked(second, moved.url)


@pytest.mark.portal
def test_the_package_and_the_feed_are_right_by_the_stable_address_and_by_their_own(bench: PublicBench) -> None:
    with bench.served() as server:
        version = bench.version(ANGERS, NANTES)
        bench.publish(version)
        page = bench.show()
        assert page is not None
        at = f"{bench.portal.url}/dataset/{page['name']}"
        ids = {resource["glane_key"]: resource["id"] for resource in page["resources"]}
        # frictionless reads a remote package from an address that ends in .json.
        for address in (
            next(r["url"] for r in page["resources"] if r["glane_key"] == "datapackage.json"),
            f"{server.url}/versions/{bench.dataset.name}/{version.version}/datapackage.json",
        ):
            assert frictionless.validate(address, type="package").valid
        stable = requests.get(f"{at}/resource/{ids['datapackage.json']}/download", timeout=30).json()
        assert stable["resources"][0]["path"] == next(
            r["url"] for r in page["resources"] if r["glane_key"] == "sites.csv"
        )
        feed = ElementTree.fromstring(requests.get(f"{at}/resource/{ids['feed.xml']}/download", timeout=30).content)
        assert {link.get("href") for link in feed.iter("{http://www.w3.org/2005/Atom}link")} == {at}


@pytest.mark.portal
def test_the_list_of_versions_leads_to_every_file_it_names(bench: PublicBench) -> None:
    with bench.served() as server:
        bench.version(ANGERS)
        bench.publish(bench.version(ANGERS, NANTES))
        home = f"{server.url}/versions/{bench.dataset.name}"
        listing = requests.get(f"{home}/index.html", timeout=30).text
        links = [part.split('"')[0] for part in listing.split('href="')[1:]]
        assert {link.split("/")[0] for link in links} == {"versions.json", "1.0.0", "1.1.0"}
        assert {requests.get(f"{home}/{link}", timeout=30).status_code for link in links} == {200}


@pytest.mark.portal
def test_without_an_address_nothing_is_written_anywhere(bench: PublicBench) -> None:
    version = bench.version(ANGERS)
    with pytest.raises(CallError, match="no address of the public store is known") as refusal:
        bench.publish(version)
    assert "GLANE_STORE_PUBLIC_URL" in refusal.value.remedy
    assert bench.show() is None
    assert bench.show(token=bench.portal.token) is None


SPOILT: list[tuple[Spoil, str]] = [
    (lambda request, answer: Answer(404), "answers 404"),
    (lambda request, answer: Answer(500), "answers 500"),
    (lambda request, answer: Answer(200, answer.body + b"\n"), "serves other bytes than the store keeps"),
    (lambda request, answer: Answer(200, answer.body[:-1]), "serves other bytes than the store keeps"),
    (lambda request, answer: Answer(200, b"<html>Sign in</html>"), "serves other bytes than the store keeps"),
]


@pytest.mark.long
@pytest.mark.portal
def test_a_public_store_that_does_not_serve_the_version_keeps_the_last_one_on_the_portal(bench: PublicBench) -> None:
    with bench.served() as server:
        bench.publish(bench.version(ANGERS))
        second = bench.version(ANGERS, NANTES)
        for spoil, said in SPOILT:
            bench.spoil = lambda request, answer, spoil=spoil: (  # type: ignore[misc]
                spoil(request, answer) if "/1.1.0/" in request.path else answer
            )
            with pytest.raises(PublicStoreError, match=said):
                bench.hastily(second)
            assert bench.read() == "1.0.0"
        bench.spoil = lambda request, answer: answer
        bench.publish(second)
        bench.check_linked(second, server.url)


@pytest.mark.portal
def test_a_public_store_that_cannot_be_reached_is_told(bench: PublicBench) -> None:
    version = bench.version(ANGERS)
    silent = f"http://127.0.0.1:{free_port()}"
    bench.address = PortalAddress(bench.portal.url, bench.portal.token, bench.portal.organisation, silent)
    with pytest.raises(PublicStoreError, match=f"{silent}.* does not answer"):
        bench.hastily(version)
    assert bench.read() is None


@pytest.mark.portal
def test_an_address_that_shows_what_partners_sent_is_refused(bench: PublicBench) -> None:
    name = bench.dataset.name
    private = [
        f"raw/{name}/a/file",
        f"rows/{name}/a/file",
        f"reports/{name}/a/file",
        f"log/removed/{name}/2026-11.jsonl",
    ]
    with bench.served():
        version = bench.version(ANGERS)
        for key in private:
            bench.store.write(key, b"Jeanne Martin, 06 12 34 56 78")
        bench.publish(version)
        second = bench.version(ANGERS, NANTES)
        for key in private:
            bench.shown = ("versions", key.split("/")[0])
            with pytest.raises(ExposedError, match=f"serves {key} to anybody"):
                bench.publish(second)
        assert bench.read() == "1.0.0"
        found = {f.subject: f for f in probe(bench.dataset, version, bench.address, store=bench.store)}
        assert found["files"].state == "no"


@pytest.mark.portal
def test_a_server_that_answers_everything_with_its_own_page_exposes_nothing(bench: PublicBench) -> None:
    with bench.served():
        bench.store.write(f"raw/{bench.dataset.name}/a/file", b"secret")
        bench.spoil = lambda request, answer: answer if answer.status == 200 else Answer(200, b"<html>Welcome</html>")
        bench.publish(bench.version(ANGERS))
        assert bench.read() == "1.0.0"


@pytest.mark.portal
@pytest.mark.long
def test_from_the_portal_to_the_store_and_back_old_addresses_stay_and_the_page_converges(bench: PublicBench) -> None:
    with bench.served() as server:
        bench.declared(ONE_TABLE)
        first = bench.version(ANGERS)
        bench.publish(first)
        bench.check_whole(first)
        # Derived formats go after two versions; what is canonical stays where it was for ever.
        kept = (bench.show(f"{bench.dataset.name}-versions") or {})["resources"]
        uploaded = [one["url"] for one in kept if one["format"] != "XLSX"]
        bench.declared(IN_STORE)
        bench.publish(first)
        bench.check_linked(first, server.url)
        second = bench.version(ANGERS, NANTES)
        bench.publish(second)
        bench.check_linked(second, server.url)
        assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
        assert {requests.get(url, timeout=30).status_code for url in uploaded} == {200}
        bench.declared(ONE_TABLE)
        third = bench.version(ANGERS, NANTES, RENNES)
        bench.publish(third)
        bench.check_whole(third)
        assert any("1.1.0 is not on the portal" in line and "--rebuild" in line for line in bench.said)
        rebuild(bench.dataset, bench.store, bench.address, bench.said.append)
        assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
        assert {requests.get(url, timeout=30).status_code for url in uploaded} == {200}


@pytest.mark.portal
@pytest.mark.long
def test_killed_before_any_step_the_reader_sees_one_version_and_the_next_run_converges(bench: PublicBench) -> None:
    with bench.served() as server:
        bench.publish(bench.version(ANGERS))
        last = "1.0.0"
        for number, step in enumerate(STEPS[1:], start=1):
            rows: list[Cells] = [{**ANGERS, "places": str(number)}, *([NANTES] if number % 2 else [])]
            version = bench.version(*rows)
            try:
                bench.hastily(version, kill=step)
            except KilledError:
                flipped = STEPS.index(step) > STEPS.index("flip")
                assert bench.read() == (version.version if flipped else last), step
            bench.publish(version)
            bench.check_linked(version, server.url)
            last = version.version


@pytest.mark.portal
def test_verify_reads_what_the_public_store_serves_and_rebuild_what_the_page_shows(bench: PublicBench) -> None:
    with bench.served() as server:
        bench.version(ANGERS)
        version = bench.version(ANGERS, NANTES)
        bench.publish(version)
        assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
        bench.spoil = lambda request, answer: (
            Answer(200, b"id\n") if request.path.endswith(f"1.0.0/{bench.dataset.name}-sites.csv") else answer
        )
        (fault,) = verify_portal(bench.store, bench.dataset.name, bench.address)
        assert fault.where == f"{server.url}/versions/{bench.dataset.name}/1.0.0/{bench.dataset.name}-sites.csv"
        done = rebuild(bench.dataset, bench.store, bench.address, bench.said.append)
        assert (done.receipt.version, done.versions, done.sent) == ("1.1.0", (), 0)
        bench.check_linked(version, server.url)


@pytest.mark.portal
def test_a_look_before_says_whether_the_public_store_will_do(bench: PublicBench) -> None:
    version = bench.version(ANGERS)
    with bench.served() as server:
        found = {f.subject: f for f in probe(bench.dataset, version, bench.address, store=bench.store)}
        assert (found["files"].state, "uploads" in found) == ("ok", False)
        assert server.url in found["files"].what
        assert {f.subject: f for f in probe(bench.dataset, None, bench.address)}["files"].state == "look"
        bench.shown = ()
        found = {f.subject: f for f in probe(bench.dataset, version, bench.address, patience=HASTY)}
        assert (found["files"].state, "answers 404" in found["files"].what) == ("no", True)
    bench.address = PortalAddress(bench.portal.url, bench.portal.token)
    assert {f.subject: f for f in probe(bench.dataset, version, bench.address)}["files"].state == "no"


@pytest.mark.parametrize("address", ["data.example.org", "ftp://x", "https://", "https://a.b/?x", "https://u:p@a.b"])
def test_an_address_that_is_none_is_refused_by_its_name(address: str) -> None:
    with pytest.raises(AddressError, match="GLANE_STORE_PUBLIC_URL"):
        PortalAddress("https://portal.example.org", "token", None, address)


@pytest.mark.portal
def test_a_file_that_the_portal_does_not_take_stays_in_the_store(bench: PublicBench) -> None:
    line = "a--1,Médiathèque,".encode()

    def small_portal(request: Request) -> Answer:
        if "package_revise" in request.path and line in request.body:
            return Answer(413, b"<html>Request Entity Too Large</html>")
        return passed_on(request, bench.portal.url)

    with bench.served() as public, serving(small_portal) as portal:
        bench.address = PortalAddress(portal.url, bench.portal.token, bench.portal.organisation, public.url)
        bench.declared(ONE_TABLE)
        version = bench.version(ANGERS)
        assert line in whole_csv(bench.store, version, "sites").read_bytes()
        with pytest.raises(TooLargeError) as refusal:
            bench.publish(version)
        assert "set `files: store`" in refusal.value.remedy
        bench.declared(IN_STORE)
        bench.publish(version)
        bench.check_linked(version, public.url)


def test_the_list_says_nothing_that_a_title_could_break(tmp_path: Path) -> None:
    odd = DECLARATION.replace("Lieux d'essai", "Lieux <b>&").replace("Trial sites", "Sites <b>&")
    dataset, store = declare(tmp_path / "schemas", declaration=odd), FolderStore(tmp_path / "store")
    for rows in ([ANGERS], [ANGERS, NANTES]):
        build_version(dataset, [contribute(dataset, "a", rows)], store, created=DAY)
    text = index_page(dataset, listed(store, "essai")).decode()
    assert "<title>Lieux &lt;b&gt;&amp; · Sites &lt;b&gt;&amp;</title>" in text
    assert text.index("(1.1.0)") < text.index("(1.0.0)")
    root = ElementTree.fromstring(text.split("<body>")[1].split("</body>")[0].join(["<body>", "</body>"]))
    assert [section.get("lang") for section in root.iter("section")] == ["fr", "en"]
    assert "21 novembre 2026 (1.1.0)" in text
    assert "21 November 2026 (1.1.0)" in text
