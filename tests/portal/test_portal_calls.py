"""Wrong calls and wrong worlds, said at once with a remedy; and the locks. Nothing is started here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from glane.errors import CallError, WorldError
from portal import embedded
from portal.interpreter import CHECKOUT, Environment, default_home, preferred_port
from portal.locks import start_lock, supervisor_of, take_supervisor_lock


def test_a_missing_environment_is_said_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLANE_PORTAL_ENV", str(tmp_path))
    with pytest.raises(WorldError) as error:
        embedded.up(tmp_path / "portal")
    assert error.value.what == f"The portal's environment is not installed in {tmp_path}."
    assert error.value.remedy.startswith("Run `make setup`")
    assert not (tmp_path / "portal").exists()


def test_a_loader_that_is_not_installed_is_said_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Environment, "has_loader", False)
    with pytest.raises(WorldError) as error:
        embedded.up(tmp_path / "portal", loader=True)
    assert error.value.what == "The portal's environment has no ckanext-xloader."
    assert not (tmp_path / "portal").exists()


def test_a_folder_that_cannot_be_written_is_said_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError) as error:
        embedded.up(tmp_path / "file" / "portal")
    assert error.value.what == f"The portal cannot write in {tmp_path / 'file' / 'portal'}: File exists."
    assert "GLANE_PORTAL_HOME" in error.value.remedy


@pytest.mark.parametrize("port", [0, 80, 70000])
def test_a_port_that_is_none_is_refused(port: int, tmp_path: Path) -> None:
    with pytest.raises(CallError, match=f"{port} is not a port"):
        embedded.up(tmp_path, port)


def test_a_percent_sign_in_the_folders_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="percent"):
        embedded.up(tmp_path / "100%")


def test_the_variables_say_where_and_on_which_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLANE_PORTAL_HOME", raising=False)
    monkeypatch.delenv("GLANE_PORTAL_PORT", raising=False)
    assert (default_home(), preferred_port()) == (CHECKOUT / ".portal", None)
    monkeypatch.setenv("GLANE_PORTAL_HOME", str(tmp_path))
    monkeypatch.setenv("GLANE_PORTAL_PORT", "5123")
    assert (default_home(), preferred_port()) == (tmp_path, 5123)
    monkeypatch.setenv("GLANE_PORTAL_PORT", "five")
    with pytest.raises(CallError, match="GLANE_PORTAL_PORT is 'five'"):
        preferred_port()


def test_a_portal_that_never_was_is_stopped(tmp_path: Path) -> None:
    home = tmp_path / "none"
    assert embedded.status(home) == embedded.down(home) == embedded.reset(home)
    assert embedded.status(home).state == "stopped"
    assert not home.exists()


def test_the_supervisors_lock_names_its_holder_and_has_one(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    program = (
        "import sys; from pathlib import Path; from portal.locks import take_supervisor_lock as take;"
        "print(take(Path(sys.argv[1])) is not None, flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(lock)], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    assert supervisor_of(lock) == holder.pid
    assert take_supervisor_lock(lock) is None
    holder.communicate()
    assert supervisor_of(lock) is None


def test_a_start_that_waited_for_a_reset_begins_with_a_new_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with start_lock(lock):
        lock.unlink()
        with start_lock(lock):
            assert lock.exists()
