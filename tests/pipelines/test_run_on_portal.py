"""`glane run` and `glane publish` with a real CKAN."""

import json
import socket
from pathlib import Path

import pytest
import requests

from tests.fixtures_portal import Portal
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


@pytest.mark.portal
def test_a_run_publishes_once_and_a_second_sends_nothing(
    commons: Commons, glane: Glane, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name of its own: other tests publish on the same portal.
    for root in (commons.settings.sources, commons.settings.schemas):
        (root / "lieux").rename(root / "lieux_du_run")
    monkeypatch.setenv("GLANE_PORTAL", portal.url)
    monkeypatch.setenv("GLANE_PORTAL_TOKEN_FILE", str(portal.status.token_file))
    first = glane("run")
    page = f"{portal.url}/dataset/lieux_du_run"
    assert (first.code, first.err.count("FAILED")) == (0, 0)
    assert f"{page}  (" in first.out
    assert "uploaded)" in first.out
    found = requests.get(f"{portal.url}/api/3/action/package_show", {"id": "lieux_du_run"}, timeout=30).json()["result"]
    assert found["version"] == "1.0.0"
    second = glane("run")
    assert second.code == 0
    assert "no new version: nothing changed" in second.out
    assert f"{page}  (nothing uploaded)" in second.out
    (third,) = json.loads(glane("publish", "lieux_du_run", "--json").out)
    assert third == {
        "dataset": "lieux_du_run",
        "page": page,
        "version": "1.0.0",
        "unchanged": True,
        "bytes_sent": 0,
        "problem": None,
    }
    assert portal.token not in first.out + first.err + second.out + second.err


def test_a_portal_that_is_gone_fails_by_the_world_and_the_version_stands(
    glane: Glane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    (tmp_path / "token").write_text("secret-token", encoding="utf-8")
    monkeypatch.setenv("GLANE_PORTAL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("GLANE_PORTAL_TOKEN_FILE", str(tmp_path / "token"))
    said = glane("run", "--json")
    (dataset,) = json.loads(said.out)["datasets"]
    assert (said.code, dataset["version"], dataset["problem"]["at"]) == (3, "1.0.0", "portal")
    assert "secret-token" not in said.out + said.err


def test_a_token_that_cannot_be_read_is_a_wrong_call_said_before_anything_is_harvested(
    commons: Commons, glane: Glane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLANE_PORTAL", "http://127.0.0.1:9")
    monkeypatch.setenv("GLANE_PORTAL_TOKEN_FILE", str(tmp_path / "none"))
    said = glane("run")
    assert (said.code, said.out, str(tmp_path / "none") in said.err) == (2, "", True)
    assert not commons.settings.store.exists()
