"""A partner deposits its file on our own portal with its own account, and finds the answer there, seen by nobody else.

Nobody here is a sysadmin but the test that makes the accounts: the partner and Glane are editors of its organisation.
"""

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import requests

from glane.store import FolderStore
from pipelines.catalogue import load_catalogue
from pipelines.depositing import deposit_answers
from pipelines.intake import Intake, take_in
from pipelines.settings import PortalSettings
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience
from publish.ckan.deposit import Answer, AnswerFile, PublicDepositError, put_answer
from publish.ckan.faults import PortalError, UntouchedError
from schemas.deposit import ANSWER_FIELD
from schemas.rows import last_good
from sources.fetch.deposit import OwnPortal
from tests.fixtures_portal import Portal, call, free_port
from tests.pipelines.conftest import Glane
from tests.pipelines.depositors import Deposit, depositing
from tests.pipelines.material import Commons
from tests.publish.loopback import Answer as Given
from tests.publish.loopback import Request, passed_on, serving
from tests.sources.material import HASTY

pytestmark = pytest.mark.portal

GOOD = b"numero,nom,cp\n1,Le Fil,49000\n2,La Boussole,49100\n"
WRONG = b"numero,nom,cp\n1,Le Fil,49000\n2,La Boussole,4910\n"


@pytest.fixture
def deposit(portal: Portal, commons: Commons) -> Iterator[Deposit]:
    """A deposit that the source `angers` reads."""
    with depositing(portal) as made:
        commons.edit("angers", "where: {file: lieux.csv}", f"where: {{deposit: {{dataset: {made.name}}}}}")
        yield made


@pytest.fixture
def settings(deposit: Deposit, tmp_path: Path) -> PortalSettings:
    """The portal as the environment names it: Glane's token in a file."""
    token = tmp_path / "glane.token"
    token.write_text(deposit.glane, encoding="utf-8")
    return PortalSettings(deposit.portal.url, token, deposit.portal.organisation)


def take(commons: Commons, portal: OwnPortal) -> Intake:
    entry = load_catalogue(commons.settings)["lieux"]
    store = FolderStore(commons.settings.store)
    return take_in(entry.source("angers"), entry.dataset, store, patience=HASTY, own_portal=lambda: portal)


def answer(commons: Commons, settings: PortalSettings, *intakes: Intake) -> list[tuple[tuple[str, ...], list[str]]]:
    """Deliver the answers; what was done, and what could not be."""
    entry = load_catalogue(commons.settings)["lieux"]
    found = deposit_answers(entry, intakes, FolderStore(commons.settings.store), find_portal=lambda: settings)
    return [(one.done, [problem.what for problem in one.problems]) for one in found]


def kept(commons: Commons) -> list[str]:
    found = last_good(FolderStore(commons.settings.store), "lieux", "angers")
    return found[0]["nom"].to_list() if found else []


def pointer(commons: Commons) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((commons.settings.store / "raw/lieux/angers/latest.json").read_text())
    return found


def test_a_partner_deposits_and_finds_the_answer_there_and_nobody_else_does(
    commons: Commons, glane: Glane, deposit: Deposit, settings: PortalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = deposit.name.replace("depot-", "lieux_")
    for root in (commons.settings.sources, commons.settings.schemas):
        (root / "lieux").rename(root / published)
    monkeypatch.setenv("GLANE_PORTAL", settings.url)
    monkeypatch.setenv("GLANE_PORTAL_TOKEN_FILE", str(settings.token_file))
    monkeypatch.setenv("GLANE_PORTAL_ORGANISATION", deposit.portal.organisation)
    deposit.upload("lieux.csv", WRONG)
    first = glane("run")
    assert first.code == 0, first.out + first.err
    assert f"answered in its deposit, {deposit.portal.url}/dataset/{deposit.name}" in first.out
    assert deposit.glane not in first.out + first.err
    # The answer is counted among what was sent, whatever the portal's page took.
    sent = json.loads((commons.settings.store / f"log/traffic/{published}.json").read_text())
    assert next(iter(sent.values()))["sent"] > sum(int(one["size"]) for one in deposit.answers().values())
    found = deposit.answers()
    assert list(found) == ["page", "annotated", "cleaned", "data"]
    assert found["page"]["name"].startswith("Réponse à votre fichier (")
    status, page = deposit.download(found["page"]["url"], deposit.partner)
    assert (status, "4910" in page, '<html lang="fr">' in page) == (200, True, True)
    shown = deposit.shown()
    assert shown["private"] is True
    assert shown["notes"].startswith("Notre dépôt.\r\nMerci !\n\nGlane · Lieux de angers · ")
    assert "2 lignes dans votre fichier, 1 à publier, 1 à corriger" in shown["notes"]
    # Neither the file nor the answer is anybody else's, while the rows are everybody's.
    assert (deposit.refusals(None), deposit.refusals(deposit.stranger)) == ({403, 404}, {403, 404})
    page = requests.get(f"{settings.url}/api/3/action/package_show?id={published}", timeout=30)
    assert page.json()["result"]["organization"]["name"] == deposit.portal.organisation
    second = glane("run")
    assert (second.code, "answered" in second.out, "angers  2 rows in" in second.out) == (0, False, True)
    assert deposit.shown() == shown


def test_nothing_new_moves_nothing_and_a_corrected_file_gets_a_new_answer(
    commons: Commons, deposit: Deposit, settings: PortalSettings
) -> None:
    uploaded = deposit.upload("lieux.csv", WRONG)
    first = take(commons, deposit.own_portal)
    ((done, problems),) = answer(commons, settings, first)
    assert (done, problems) == ((f"answered in its deposit, {settings.url}/dataset/{deposit.name}",), [])
    before, old = deposit.shown(), deposit.answers()
    again = take(commons, deposit.own_portal)
    assert (again.report.state, pointer(commons)["decided_by"], answer(commons, settings, again)) == (
        "unchanged",
        "portal",
        [],
    )
    assert deposit.shown() == before
    deposit.replace(uploaded, "lieux.csv", GOOD)
    third = take(commons, deposit.own_portal)
    assert (third.report.state, kept(commons)) == ("judged", ["Le Fil", "La Boussole"])
    answer(commons, settings, third)
    new = deposit.answers()
    # Nothing is to be corrected any more, so no marked file is there any more.
    assert (set(old) - set(new), {one["id"] for one in old.values()} & {one["id"] for one in new.values()}) == (
        {"annotated"},
        set(),
    )
    notes = deposit.shown()["notes"]
    assert (notes.count("Glane · "), "2 à publier, 0 à corriger" in notes) == (1, True)
    assert [one["id"] for one in deposit.shown()["resources"] if ANSWER_FIELD not in one] == [uploaded]


def test_the_last_of_two_uploads_counts_and_a_name_chooses(commons: Commons, deposit: Deposit) -> None:
    other = b"numero,nom,cp\n7,Le Phare,29200\n"
    threads = [
        threading.Thread(target=deposit.upload, args=("lieux.csv", GOOD)),
        threading.Thread(target=deposit.upload, args=("autres.csv", other, "Autres lieux")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    newest = max(deposit.shown()["resources"], key=lambda one: str(one["last_modified"]))
    take(commons, deposit.own_portal)
    assert kept(commons) == (["Le Phare"] if newest["name"] == "Autres lieux" else ["Le Fil", "La Boussole"])
    chosen = f"{{dataset: {deposit.name}}}"
    for name, rows in (("Autres lieux", ["Le Phare"]), ("Nos lieux", ["Le Fil", "La Boussole"])):
        commons.edit("angers", chosen, chosen := f"{{dataset: {deposit.name}, resource: {name}}}")
        take(commons, deposit.own_portal)
        assert kept(commons) == rows


def test_what_cannot_be_read_is_answered_too_once_and_the_last_good_rows_stay(
    commons: Commons, deposit: Deposit, settings: PortalSettings
) -> None:
    uploaded = deposit.upload("lieux.csv", GOOD)
    answer(commons, settings, take(commons, deposit.own_portal))
    deposit.replace(uploaded, "lieux.csv", b"%PDF-1.7\n\x00\xff\xfe garbage \x00")
    failed = take(commons, deposit.own_portal)
    assert (failed.report.state, kept(commons)) == ("failed", ["Le Fil", "La Boussole"])
    answer(commons, settings, failed)
    found = deposit.answers()
    _, page = deposit.download(found["page"]["url"], deposit.partner)
    assert "pas pu" in page
    assert "annotated" not in found
    assert "2 lignes" not in deposit.shown()["notes"]
    assert answer(commons, settings, take(commons, deposit.own_portal)) == []


def test_a_public_deposit_is_neither_read_nor_answered_in(
    commons: Commons, deposit: Deposit, settings: PortalSettings
) -> None:
    deposit.upload("lieux.csv", GOOD)
    deposit.patch(private=False)
    intake = take(commons, deposit.own_portal)
    assert intake.error is not None
    assert f"The deposit {deposit.name} on {settings.url} is public" in intake.error.what
    assert "Make it private there" in intake.error.remedy
    assert not (commons.settings.store / "raw/lieux/angers").exists()
    assert answer(commons, settings, intake) == []
    # Made public between the reading and the answer.
    deposit.patch(private=True)
    good = take(commons, deposit.own_portal)
    deposit.patch(private=False)
    ((done, problems),) = answer(commons, settings, good)
    assert (done, problems) == (
        (),
        [f"The deposit {deposit.name} on {settings.url} is not private: the answer was not put there."],
    )
    assert deposit.answers() == {}
    # What could not be put there is put there once it can be.
    deposit.patch(private=True)
    ((done, problems),) = answer(commons, settings, take(commons, deposit.own_portal))
    assert (len(done), problems, set(deposit.answers()) >= {"page", "data"}) == (1, [], True)


def test_a_deposit_that_is_empty_missing_closed_to_us_or_away_is_a_failed_read(
    commons: Commons, deposit: Deposit, settings: PortalSettings
) -> None:
    def said(portal: OwnPortal) -> str:
        intake = take(commons, portal)
        assert intake.error is not None
        assert answer(commons, replace(settings, url=portal.url), intake) == []
        return str(intake.error)

    assert f"Nothing was uploaded to the deposit {deposit.name}" in said(deposit.own_portal)
    deposit.upload("lieux.csv", GOOD)
    assert take(commons, deposit.own_portal).error is None
    assert "Glane's account may not see the deposit" in said(OwnPortal(settings.url, deposit.stranger))
    assert "cannot be reached" in said(OwnPortal(f"http://127.0.0.1:{free_port()}", deposit.glane))
    call(deposit.portal, "package_delete", id=deposit.name)
    assert f"The deposit {deposit.name} on {settings.url} is deleted" in said(deposit.own_portal)
    commons.edit("angers", deposit.name, "no-such-deposit")
    assert f"There is no deposit no-such-deposit on {settings.url}" in said(deposit.own_portal)
    assert kept(commons) == ["Le Fil", "La Boussole"]


def made(deposit: Deposit, tmp_path: Path, *kinds: str, source: str = "lieux/angers") -> Answer:
    files = []
    for kind in kinds:
        path = tmp_path / kind
        path.write_text(f"the {kind}", encoding="utf-8")
        files.append(AnswerFile(kind, f"Our {kind}", f"{kind}.html", path, needed=kind == "page"))
    return Answer(deposit.name, source, f"Title of {source}", "said", files)


def test_what_the_partner_uploads_while_we_answer_is_not_lost(deposit: Deposit, tmp_path: Path) -> None:
    class Meanwhile(Api):
        uploaded: str | None = None

        def write(self, action: str, *arguments: Any, **keywords: Any) -> Any:
            if self.uploaded is None:
                self.uploaded = deposit.upload("lieux.csv", GOOD)
            return super().write(action, *arguments, **keywords)

    with Meanwhile(PortalAddress(deposit.portal.url, deposit.glane)) as api:
        put_answer(api, made(deposit, tmp_path, "page"))
        resources = deposit.shown()["resources"]
        assert [(one["id"] == api.uploaded, one.get(ANSWER_FIELD)) for one in resources] == [
            (True, None),
            (False, "lieux/angers page"),
        ]


def test_a_lost_answer_and_a_file_too_large_leave_one_whole_answer(deposit: Deposit, tmp_path: Path) -> None:
    url, lost = deposit.portal.url, []

    def spoil(request: Request) -> Given | None:
        if b"the annotated" in request.body:
            return Given(413, b"too large")
        given = passed_on(request, url)
        if "package_revise" in request.path and not lost:
            lost.append(request)
            return None
        return given

    put = made(deposit, tmp_path, "page", "annotated")
    with serving(spoil) as proxy, Api(PortalAddress(proxy.url, deposit.glane), Patience(pauses=(0.01,) * 3)) as api:
        done = put_answer(api, put)
    assert (done.left_out, len(lost)) == (("Our annotated",), 1)
    assert [(kind, one["name"]) for kind, one in deposit.answers().items()] == [("page", "Our page")]


def test_an_answer_that_the_portal_would_not_know_again_is_taken_away(deposit: Deposit, tmp_path: Path) -> None:
    uploaded = deposit.upload("lieux.csv", GOOD)

    def forgetful(request: Request) -> Given:
        field = ANSWER_FIELD.encode()
        return passed_on(replace(request, body=request.body.replace(field, b"other_answer")), deposit.portal.url)

    raises = pytest.raises(PortalError, match="drops the field glane_answer")
    with serving(forgetful) as proxy, Api(PortalAddress(proxy.url, deposit.glane)) as api, raises as caught:
        put_answer(api, made(deposit, tmp_path, "page"))
    assert "ckanext-scheming" in caught.value.remedy
    assert [one["id"] for one in deposit.shown()["resources"]] == [uploaded]


def test_a_portal_that_is_gone_is_said_and_a_public_page_is_no_place(deposit: Deposit, tmp_path: Path) -> None:
    patience = Patience(pauses=())
    with Api(PortalAddress(f"http://127.0.0.1:{free_port()}", "t"), patience) as api, pytest.raises(UntouchedError):
        put_answer(api, made(deposit, tmp_path, "page"))
    deposit.patch(private=False)
    with Api(PortalAddress(deposit.portal.url, deposit.glane)) as api, pytest.raises(PublicDepositError):
        put_answer(api, made(deposit, tmp_path, "page"))


def test_an_answer_that_the_partner_renames_stays_ours_and_one_that_it_corrects_is_its_file(
    commons: Commons, deposit: Deposit, settings: PortalSettings
) -> None:
    deposit.upload("lieux.csv", WRONG)
    answer(commons, settings, take(commons, deposit.own_portal))
    found = deposit.answers()
    deposit.edit(str(found["page"]["id"]), "À lire")
    again = take(commons, deposit.own_portal)
    assert (again.error, again.report.state) == (None, "unchanged")
    # The marked workbook, corrected and put back where it was found.
    book = openpyxl.load_workbook(io.BytesIO(download(deposit, str(found["annotated"]["url"]))))
    sheet = book.worksheets[0]
    sheet["C3"] = "49100"
    corrected = io.BytesIO()
    book.save(corrected)
    deposit.edit(str(found["annotated"]["id"]), "Votre fichier", corrected.getvalue())
    better = take(commons, deposit.own_portal)
    assert (better.error, better.report.counts and better.report.counts.to_correct) == (None, 0)
    assert kept(commons) == ["Le Fil", "La Boussole"]
    answer(commons, settings, better)
    # Of our answers only the new ones are left, and the partner's two files.
    left = [(one["name"], ANSWER_FIELD in one) for one in deposit.shown()["resources"]]
    assert sorted(name for name, ours in left if not ours) == ["Nos lieux", "Votre fichier"]
    assert len([ours for _, ours in left if ours]) == len(deposit.answers())
    assert take(commons, deposit.own_portal).report.state == "unchanged"


def download(deposit: Deposit, url: str) -> bytes:
    return requests.get(url, headers={"Authorization": deposit.partner}, timeout=30).content


def test_answers_for_two_sources_stand_beside_one_another(deposit: Deposit, tmp_path: Path) -> None:
    with Api(PortalAddress(deposit.portal.url, deposit.glane)) as api:
        for source in ("lieux/angers", "labels/angers", "lieux/angers"):
            put_answer(api, made(deposit, tmp_path, "page", source=source))
    shown = deposit.shown()
    assert [one[ANSWER_FIELD] for one in shown["resources"]] == ["labels/angers page", "lieux/angers page"]
    assert shown["notes"].split("\n")[-3:] == [
        "Glane · Title of labels/angers · said",
        "",
        "Glane · Title of lieux/angers · said",
    ]
