"""A steward goes through the pairs that may be one place, and what was decided is followed."""

import io
import json

import pytest

from publish.decisions import read_decisions
from publish.formats.delimited import read_csv
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons

ASKING = (
    "merge: {{same: [[nom, code_postal]], likeness: {{name: nom, postcode: code_postal, same_from: 40, ask_from: 1}}}}"
)


@pytest.fixture
def alike(commons: Commons, glane: Glane) -> Commons:
    """A commons in which likeness merges nothing by itself, and two pairs wait."""
    declared = commons.settings.schemas / "lieux" / "dataset.yaml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(text.replace("merge: {same: [[nom, code_postal]]}", ASKING.format()), encoding="utf-8")
    commons.file("brest", "8,Le Fanal du Relecq,29200\n9,La Bobine de Kerinou,29200\n")
    commons.file("caen", "1,Fanal du Relecq,29200\n2,Bobine de Kerinou,29200\n")
    glane("run")
    return commons


def test_what_is_decided_with_one_key_is_written_at_once_and_followed(
    alike: Commons, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = json.loads(glane("review", "lieux", "--json").out)
    assert {(one["a"], one["b"]) for one in waiting} == {("brest--8", "caen--1"), ("brest--9", "caen--2")}
    assert all(one["score"] == pytest.approx(sum(points for _, points in one["parts"]), abs=0.2) for one in waiting)
    first, second = ((one["a"], one["b"]) for one in waiting)

    monkeypatch.setattr("sys.stdin", io.StringIO("s\nd\n"))
    said = glane("review", "lieux", "--as", "coordination")
    assert (said.code, said.out.splitlines()[-1]) == (0, "2 decided, 0 wait. Follow them with: glane run lieux")
    assert "Le Fanal du Relecq" in said.out
    assert "Fanal du Relecq" in said.out
    path = alike.settings.sources / "decisions" / "lieux.csv"
    decided = read_decisions(path, ["places"]).all
    assert [(one.kind, (one.id, one.other), one.by, one.why) for one in decided] == [
        ("same", first, "coordination", "compared side by side"),
        ("different", second, "coordination", "compared side by side"),
    ]

    glane("run")
    versions = sorted((alike.settings.store / "versions" / "lieux").glob("1.*"))
    ids = set(read_csv(versions[-1] / "lieux-places.csv")["id"])
    assert (len(ids & {*first}), len(ids & {*second})) == (1, 2)
    assert glane("review", "lieux", "--as", "coordination").out == "Nothing waits in lieux.\n"


def test_what_is_left_for_later_waits_and_nothing_is_decided_by_nobody(
    alike: Commons, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\nq\n"))
    said = glane("review", "lieux", "--as", "coordination")
    assert said.out.splitlines()[-1] == "0 decided, 2 wait. Follow them with: glane run lieux"
    assert not (alike.settings.sources / "decisions" / "lieux.csv").exists()
    nobody, person = glane("review", "lieux"), None
    monkeypatch.setattr("sys.stdin", io.StringIO("s\n"))
    person = glane("review", "lieux", "--as", "jeanne@example.org")
    assert (nobody.code, person.code) == (2, 2)
    assert "This names a person." in person.err
    assert not (alike.settings.sources / "decisions" / "lieux.csv").exists()
