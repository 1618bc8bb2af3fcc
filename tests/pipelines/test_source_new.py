"""`glane source new`: from a partner's file to a folder that waits for a person, and the answer on every row."""

import functools
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sources.declaration import load_source
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons

FILE = "Code;Nom;CP;Divers\nA1;Fablab;49000;x\nA2;;44000;y\nA3;Espace public;35000;z\n"
TERMS = ("--licence", "etalab-2.0", "--attribution", "Un hub, 2026")


def test_a_new_source_says_what_becomes_of_every_row_and_waits(commons: Commons, glane: Glane, tmp_path: Path) -> None:
    (tmp_path / "lieux.csv").write_text(FILE)
    done = glane("source", "new", "lieux", "un-hub", str(tmp_path / "lieux.csv"), *TERMS, "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    folder = commons.settings.sources / "lieux" / "un-hub"
    assert answer == {
        "source": "lieux/un-hub",
        "table": "places",
        "files": [str(folder / name) for name in ("expected.csv", "sample.csv", "source.yaml")],
        "format": {"kind": "csv", "encoding": "utf-8", "delimiter": ";"},
        "mapped": {"nom": "Nom", "code_postal": "CP"},
        "unsure": [],
        "unmapped": ["Divers"],
        "counts": {"rows_in": 3, "passed": 2, "to_correct": 1, "on_hold": 0},
        "problems": answer["problems"],
        "failure": None,
        "active": False,
    }
    assert [problem["count"] for problem in answer["problems"]] == [1]
    assert load_source(folder).line.state == "paused"
    assert glane("source", "test", "lieux/un-hub").code == 0
    again = glane("source", "new", "lieux", "un-hub", str(tmp_path / "lieux.csv"), *TERMS)
    assert (again.code, "is there already" in again.err) == (2, True)


def test_an_address_is_fetched_under_the_guard_and_declared(commons: Commons, glane: Glane, tmp_path: Path) -> None:
    (tmp_path / "lieux.csv").write_text(FILE)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/lieux.csv"
            refused = glane("source", "new", "lieux", "un-hub", url, *TERMS)
            done = glane("source", "new", "lieux", "un-hub", url, *TERMS, "--private", "--yes")
        finally:
            server.shutdown()
    assert (refused.code, "which is no public address" in refused.err) == (2, True)
    assert done.code == 0, done.err
    line = load_source(commons.settings.sources / "lieux" / "un-hub").line
    assert (line.where.url, line.where.private, line.state) == (url, True, "active")


def test_without_a_licence_nothing_is_written(commons: Commons, glane: Glane, tmp_path: Path) -> None:
    (tmp_path / "lieux.csv").write_text(FILE)
    for options, said in (
        ((), "A source needs a licence"),
        (("--licence", "etalab", "--attribution", "x"), "'etalab' is no licence that Glane knows"),
    ):
        done = glane("source", "new", "lieux", "un-hub", str(tmp_path / "lieux.csv"), *options)
        assert (done.code, said in done.err) == (2, True)
    assert not (commons.settings.sources / "lieux" / "un-hub").exists()
