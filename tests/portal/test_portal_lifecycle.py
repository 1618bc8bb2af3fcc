"""The embedded portal's life: started twice at once, killed, moved, stopped, emptied.

One portal for this file (`place`), in a deep folder that `nobody` cannot enter; each test leaves it in whatever state
and begins by bringing it to the one that it needs.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from glane.errors import CallError, WorldError
from portal import embedded
from portal.embedded import Status
from portal.home import Home, read_state
from portal.interpreter import CHECKOUT, find_environment
from portal.locks import family_is_gone, family_members
from portal.places import can_enter, database_user

pytestmark = [pytest.mark.portal, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # pytest's own folders are 0700; this one is too long for any socket's name as well.
    home = tmp_path_factory.mktemp("deep").joinpath("a folder of forty letters, é and a space", "b" * 60, "portal")
    home.parent.mkdir(parents=True)
    yield home
    embedded.reset(home)


def command(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "portal", *words, "--home", str(home)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie that waits for its parent does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def family(status: Status) -> set[int]:
    return {*status.processes.values(), *family_members(Home(status.home).family_lock)}


def wait_until_gone(home: Home, seconds: float = 20) -> bool:
    return family_is_gone(home.family_lock, seconds)


def running(home: Path) -> Status:
    return embedded.up(home, tied=True)


def action(status: Status, name: str, /, **values: object) -> dict[str, object]:
    token = status.token_file.read_text("utf-8")
    answer = requests.post(f"{status.url}/api/3/action/{name}", json=values, headers={"Authorization": token})
    answer.raise_for_status()
    result: dict[str, object] = answer.json()["result"]
    return result


# One portal, whatever is done to it.


def test_two_starts_at_once_make_one_portal_even_in_a_deep_folder_that_nobody_may_enter(place: Path) -> None:
    starts = [command(place, "up", "--json") for _ in range(2)]
    answers = [start.communicate(timeout=120) for start in starts]

    assert [start.returncode for start in starts] == [0, 0], answers
    first, second = (json.loads(out) for out, _ in answers)
    assert first == second
    assert first["running"]
    assert requests.get(f"{first['url']}/api/3/action/status_show").json()["success"]


def test_status_in_json_tells_a_program_all_but_the_secrets(place: Path) -> None:
    status = running(place)
    out, _ = command(place, "status", "--json").communicate(timeout=30)

    known = json.loads(out)
    assert known == status.as_json()
    assert set(known) == {
        *("state", "running", "home", "version", "port", "url", "organisation", "editor", "token_file", "problem"),
        *("sysadmin", "sysadmin_token_file", "sysadmin_password_file", "processes", "logs"),
    }
    assert (known["state"], known["version"], known["problem"]) == ("running", "2.12.0", None)
    assert set(known["processes"]) == {"supervisor", "database", "cache", "web"}
    assert all(alive(pid) for pid in known["processes"].values())
    for file in (status.token_file, status.sysadmin_token_file, status.sysadmin_password_file):
        assert file.read_text("utf-8") not in out


def test_secrets_are_for_their_owner_alone_and_no_folder_of_the_users_is_changed(place: Path) -> None:
    before = {folder: folder.stat().st_mode for folder in place.parents if folder != Path("/")}
    status = running(place)

    private = {path.name for path in place.iterdir() if path.is_file()}
    assert {"ckan.ini", "secrets.json", "editor.token", "sysadmin.token", "sysadmin.password"} <= private
    assert {name: oct(stat.S_IMODE((place / name).stat().st_mode)) for name in private} == dict.fromkeys(
        private, "0o600"
    )
    assert {folder: folder.stat().st_mode for folder in before} == before
    runtime = Path(str(read_state(Home(place)).runtime))
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    command_lines = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in status.processes.values()]
    secrets = [file.read_text("utf-8") for file in (status.token_file, status.sysadmin_password_file)]
    assert not [line for line in command_lines for secret in secrets if secret in line]


def test_nothing_listens_but_one_port_on_loopback(place: Path) -> None:
    status = running(place)

    links = [str(link.readlink()) for pid in family(status) for link in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            listening |= {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}
    assert listening == {f"0100007F:{status.port:04X}"}


def test_down_leaves_nothing_behind(place: Path) -> None:
    status = running(place)
    members = family(status)
    # Supervisor, PostgreSQL and its own children, Valkey, the web server and its two workers.
    assert len(members) >= 9
    runtime = Path(str(read_state(Home(place)).runtime))

    began = time.monotonic()
    stopped = embedded.down(place)

    assert time.monotonic() - began < 10
    assert (stopped.state, stopped.processes, stopped.problem) == ("stopped", {}, None)
    assert [pid for pid in members if alive(pid)] == []
    assert not runtime.exists()
    with socket.socket() as trial:
        assert trial.connect_ex(("127.0.0.1", int(status.port or 0))) != 0
    assert embedded.down(place) == stopped


def test_a_portal_comes_back_on_its_port_with_what_was_in_it_and_its_tokens_and_keys(place: Path) -> None:
    before = running(place)
    token = before.token_file.read_text("utf-8")
    action(before, "package_create", name="kept", title="Kept", owner_org=before.organisation)
    embedded.down(place)

    after = running(place)

    assert (after.port, after.token_file.read_text("utf-8")) == (before.port, token)
    assert action(after, "package_show", id="kept")["title"] == "Kept"
    assert action(after, "package_search", q="kept")["count"] == 1
    action(after, "package_delete", id="kept")


def test_when_its_port_is_taken_the_portal_moves_and_its_links_with_it(place: Path) -> None:
    before = running(place)
    token = {"Authorization": before.token_file.read_text("utf-8")}
    action(before, "package_create", name="moved", owner_org=before.organisation)
    upload = requests.post(
        f"{before.url}/api/3/action/resource_create",
        data={"package_id": "moved", "name": "a"},
        files={"upload": ("a.csv", b"x\n1\n")},
        headers=token,
    )
    upload.raise_for_status()
    embedded.down(place)

    said: list[str] = []
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(before.port or 0)))
        taken.listen()
        with pytest.raises(WorldError, match=f"Port {before.port} is taken"):
            embedded.up(place, before.port)
        after = embedded.up(place, say=said.append, tied=True)

    assert after.port != before.port
    assert f"Port {before.port} is taken: the portal moves to {after.port}, and its links with it." in said
    (found,) = requests.get(f"{after.url}/api/3/action/package_search?q=name:moved").json()["result"]["results"]
    link = found["resources"][0]["url"]
    assert link.startswith(f"{after.url}/dataset/")
    assert requests.get(link).content == b"x\n1\n"
    with pytest.raises(CallError, match=f"runs already, on port {after.port}"):
        embedded.up(place, before.port)
    action(after, "package_delete", id="moved")


def test_a_portal_whose_folder_is_taken_away_stops_since_nobody_could_find_it_to_stop_it(place: Path) -> None:
    running(place)
    Home(place).supervisor_lock.unlink()

    assert wait_until_gone(Home(place))
    assert embedded.status(place).state == "stopped"


def test_a_killed_supervisor_takes_its_family_along_and_the_next_up_heals(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = running(place)
    members = family(status)
    os.kill(status.processes["supervisor"], signal.SIGKILL)

    assert wait_until_gone(Home(place))
    assert [pid for pid in members - {status.processes["supervisor"]} if alive(pid)] == []
    assert embedded.status(place).state == "stopped"
    # The programs too may lie where the database's user cannot go: here, in a 0700 folder.
    environment = find_environment()
    (tmp_path / "environment").symlink_to(environment.python.parent.parent)
    monkeypatch.setenv("GLANE_PORTAL_ENV", str(tmp_path / "environment"))
    assert running(place).running


def test_a_tied_portal_ends_with_the_process_that_started_it_even_if_that_is_killed(place: Path) -> None:
    embedded.down(place)
    program = (
        "import sys, time; from pathlib import Path; from portal.embedded import up;"
        "print(up(Path(sys.argv[1]), tied=True).state, flush=True); time.sleep(300)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(place)], cwd=CHECKOUT, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"running\n"
    starter.kill()
    starter.communicate()

    assert wait_until_gone(Home(place))


def test_when_one_process_dies_all_stop_and_status_says_why(place: Path) -> None:
    status = running(place)
    os.kill(status.processes["cache"], signal.SIGKILL)

    assert wait_until_gone(Home(place))
    after = embedded.status(place)
    assert (after.state, after.processes) == ("stopped", {})
    assert after.problem is not None
    assert after.problem.startswith("The cache ended by itself (signal 9).")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand PostgreSQL to another user")
def test_where_nobody_cannot_enter_the_database_gets_a_shelter_and_reset_removes_it(place: Path) -> None:
    status = running(place)
    user = database_user()
    assert not can_enter(user, place)

    shelter = Path(str(read_state(Home(place)).database))
    assert shelter != place / "database"
    assert (shelter.stat().st_uid, stat.S_IMODE(shelter.stat().st_mode)) == (user.uid, 0o700)
    owner = Path(f"/proc/{status.processes['database']}").stat().st_uid
    assert owner == user.uid

    assert embedded.reset(place).state == "stopped"
    assert not shelter.exists()
    assert not place.exists()


@pytest.mark.parametrize("moment", ["Making the database", "Starting CKAN, and preparing it for its first use"])
def test_a_start_killed_half_way_leaves_nothing_and_the_next_up_heals(tmp_path: Path, moment: str) -> None:
    home = Home(tmp_path / "portal")
    start = command(home.path, "up")
    assert start.stderr is not None
    for line in start.stderr:
        if line.strip() == moment:
            break
    if moment.startswith("Starting CKAN"):
        time.sleep(3)
    start.kill()
    start.communicate()

    assert wait_until_gone(home)
    assert embedded.status(home.path).state == "stopped"
    try:
        if moment.startswith("Starting CKAN"):
            healed = running(home.path)
            organisation = action(healed, "organization_show", id=healed.organisation)
            assert organisation["title"] == "Glane"
    finally:
        embedded.reset(home.path)
    assert not home.path.exists()


def test_reset_removes_what_is_the_portals_and_nothing_else(place: Path) -> None:
    place.mkdir(exist_ok=True, parents=True)
    (place / "mine.txt").write_text("not the portal's")
    embedded.reset(place)

    assert [path.name for path in place.iterdir()] == ["mine.txt"]
    (place / "mine.txt").unlink()
    assert embedded.reset(place).state == "stopped"
