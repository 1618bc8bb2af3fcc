"""Going back to an older version, deltas between any two versions, and looking at a portal, on the command line."""

import json
from pathlib import Path

import pytest

from tests.fixtures_portal import Portal, free_port
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


@pytest.fixture
def spoilt(commons: Commons, glane: Glane) -> Commons:
    """A commons whose second version has a partner's names spoilt."""
    glane("run")
    commons.file("brest", "7,Le Fil,49000\n8,L? Ph?re,29200\n")
    glane("run")
    return commons


def test_restore_makes_the_older_version_current_and_the_next_run_leaves_it_so(spoilt: Commons, glane: Glane) -> None:
    answer = glane("restore", "lieux", "1.0.0", "--reason", "Noms abîmés à Brest.")
    assert (answer.code, "(1.0.2) says what 1.0.0 said" in answer.out) == (0, True)
    versions = spoilt.settings.store / "versions" / "lieux"
    assert (versions / "1.0.2/lieux-places.csv").read_bytes() == (versions / "1.0.0/lieux-places.csv").read_bytes()
    told = " ".join(glane("run").out.split())
    assert "look at What the partners bring was put aside by going back to 1.0.0 (Noms abîmés à Brest.)" in told
    lines = json.loads(glane("versions", "lieux", "--json").out)
    assert [line["version"] for line in lines] == ["1.0.0", "1.0.1", "1.0.2"]
    assert glane("verify").code == 0
    without, unknown = glane("restore", "lieux", "1.0.0"), glane("restore", "lieux", "7.0.0", "--reason", "x")
    assert (without.code, unknown.code, "Its versions: 1.0.0, 1.0.1, 1.0.2." in unknown.err) == (2, 2, True)


def test_a_delta_between_any_two_versions_is_written_and_applied(spoilt: Commons, glane: Glane, tmp_path: Path) -> None:
    folder, made = tmp_path / "delta", tmp_path / "made.csv"
    assert glane("diff", "lieux", "1.0.1", "1.0.0", "-o", str(folder)).code == 0
    versions = spoilt.settings.store / "versions" / "lieux"
    old, new = (versions / number / "lieux-places.csv" for number in ("1.0.1", "1.0.0"))
    assert glane("apply", str(folder / "places.delta.json"), str(old), "-o", str(made)).code == 0
    assert made.read_bytes() == new.read_bytes()
    wrong = glane("apply", str(folder / "places.delta.json"), str(new))
    assert (wrong.code, wrong.out, "is not version 1.0.1" in wrong.err) == (1, "", True)
    header = glane("apply", str(old), str(old))
    assert (header.code, "cannot be read as a delta's header" in header.err) == (1, True)


def test_a_portal_that_does_not_answer_is_told_by_check(glane: Glane, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret", encoding="utf-8")
    where = ("--to", f"http://127.0.0.1:{free_port()}", "--token-file", str(tmp_path / "token"))
    both = glane("publish", "lieux", *where, "--check", "--rebuild")
    assert (both.code, "Give one of them" in both.err) == (2, True)


@pytest.mark.portal
def test_check_then_publish_then_rebuild(commons: Commons, glane: Glane, portal: Portal, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(portal.token, encoding="utf-8")
    where = ("--to", portal.url, "--token-file", str(tmp_path / "token"))
    glane("run", "--no-publish")
    checked = glane("publish", "lieux", *where, "--check")
    assert (checked.code, "FAILS" in checked.out) == (0, False)
    assert "There is no lieux yet: it will be made." in checked.out
    rebuilt = glane("publish", "lieux", *where, "--rebuild", "--json")
    (told,) = json.loads(rebuilt.out)
    assert (rebuilt.code, told["version"], told["older_versions"], told["problem"]) == (0, "1.0.0", [], None)
    (again,) = json.loads(glane("publish", "lieux", *where, "--json").out)
    assert again["unchanged"]
    (tmp_path / "token").write_text("not-a-token", encoding="utf-8")
    refused = glane("publish", "lieux", *where, "--check", "--json")
    states = {finding["subject"]: finding["state"] for finding in json.loads(refused.out)["lieux"]}
    assert (refused.code, states["rights"]) == (3, "no")
