import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.instance import open_instance
from tests.pipelines.material import Commons, three_partners


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


Glane = Callable[..., Said]


@pytest.fixture(scope="session")
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty Dagster home, made once: making its databases takes longer than most tests."""
    home = tmp_path_factory.mktemp("dagster") / "home"
    with open_instance(home):
        pass
    return home


@pytest.fixture
def commons(tmp_path: Path, dagster_home: Path) -> Commons:
    commons = three_partners(tmp_path)
    shutil.copytree(dagster_home, commons.settings.dagster_home)
    return commons


@pytest.fixture
def glane(commons: Commons, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Glane:
    """The command line on that commons, in this process; no portal is known to it."""
    for name, value in commons.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("GLANE_PORTAL", "GLANE_PORTAL_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["glane", *arguments])
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return Said(int(str(code or 0)), said.out, said.err)

    return run
