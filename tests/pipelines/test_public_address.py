"""Where readers find the store's versions is said once, in the environment, and reaches whoever publishes."""

from pathlib import Path

import pytest

from pipelines.settings import load_settings
from tests.fixtures_portal import free_port
from tests.pipelines.conftest import Glane


def test_the_environment_names_the_public_store_for_the_portal_it_names(tmp_path: Path) -> None:
    environment = {
        "GLANE_PORTAL": "https://portal.example.org",
        "GLANE_PORTAL_TOKEN_FILE": str(tmp_path / "token"),
        "GLANE_STORE_PUBLIC_URL": "https://files.example.org",
    }
    portal = load_settings(environment).portal
    assert portal is not None
    assert portal.public_store == "https://files.example.org"
    assert load_settings({"GLANE_STORE_PUBLIC_URL": "https://files.example.org"}).public_store == portal.public_store
    assert load_settings({}).public_store is None


def test_a_public_address_that_is_none_is_a_wrong_call(
    glane: Glane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("a-token", encoding="utf-8")
    monkeypatch.setenv("GLANE_STORE_PUBLIC_URL", "files.example.org")
    to = ("--to", f"http://127.0.0.1:{free_port()}", "--token-file", str(token))
    said = glane("publish", "lieux", "--check", *to)
    assert said.code == 2
    assert "'files.example.org' (GLANE_STORE_PUBLIC_URL) is no address of a public store" in " ".join(said.err.split())
