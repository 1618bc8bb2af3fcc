"""Does CKAN's own test suite pass with our search in Solr's place? `python -m portal.conformance [PYTEST ARGUMENT...]`

Runs the tests of search and of reading that CKAN ships in its wheel, on empty databases of a portal made for it in a
temporary folder and removed afterwards. Prints what passed and failed, and why; exit code 0 if nothing failed but what
EXPLAINED lists, 1 if something did, 3 if they could not be run.

Belongs here: running and judging those tests. Does not belong here: tests of our own (tests/portal/).
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glane.errors import GlaneError, WorldError
from portal import embedded, settings
from portal.home import Home, read_state
from portal.interpreter import Environment, find_environment
from portal.supervisor import clean_environment

SUITES = ("lib/search", "logic/action/test_get.py")
# Failures that say nothing about us: the file each test reads, which CKAN's wheel leaves out.
EXPLAINED = {
    "test_check_invalid_schema": "schema-no-version.xml",
    "test_check_schema_with_wrong_version": "schema-wrong-version.xml",
}
_DATABASES_SQL = "CREATE DATABASE ckan_test OWNER ckan; CREATE DATABASE datastore_test OWNER ckan;"


@dataclass(frozen=True)
class Failure:
    """A test that failed: its name, where it is, and the last line of why."""

    name: str
    place: str
    why: str

    @property
    def explained(self) -> bool:
        """Whether this failure says nothing about our search: the test lacks the file that EXPLAINED names."""
        missing = EXPLAINED.get(self.name)
        return missing is not None and self.why.startswith("FileNotFoundError") and missing in self.why


@dataclass(frozen=True)
class Outcome:
    """What a run of the tests came to."""

    passed: int
    skipped: int
    failures: tuple[Failure, ...]

    @property
    def conforms(self) -> bool:
        """Whether tests ran, and every failure is one that is explained."""
        return self.passed > 0 and all(failure.explained for failure in self.failures)


def test_settings(runtime: Path, storage: Path) -> str:
    """Return the settings that CKAN's tests expect: its test-core.ini, which its wheel leaves out, for our sockets."""
    keys = {name: secrets.token_urlsafe(40) for name in ("session", "csrf", "tokens")}
    ours = settings.ckan_settings(5000, runtime, storage, keys, plugins="glane_search")
    theirs = {
        "testing": "true",
        "ckan.site_id": "test.ckan.net",
        "ckan.site_title": "CKAN",
        "ckan.site_url": "http://test.ckan.net",
        "ckan.site_logo": "/images/ckan_logo_fullname_long.png",
        "ckan.site_description": "",
        "ckan.locale_default": "en",
        "ckan.locales_offered": "",
        "ckan.locale_order": "",
        "ckan.display_timezone": "UTC",
        "ckan.views.default_views": "",
        "ckan.extra_resource_fields": "alt_url",
        "package_new_return_url": "http://localhost/dataset/<NAME>?test=new",
        "package_edit_return_url": "http://localhost/dataset/<NAME>?test=edit",
        "licenses_group_url": "",
        "ckan.auth.user_create_organizations": "true",
        "ckan.auth.user_create_groups": "true",
        "ckan.auth.create_user_via_web": "true",
        "ckan.auth.create_dataset_if_not_in_organization": "true",
        "ckan.auth.create_unowned_dataset": "true",
        "ckan.auth.user_delete_groups": "true",
        "ckan.auth.user_delete_organizations": "true",
        "ckan.hide_activity_from_users": "%(ckan.site_id)s logged_in",
        "ckan.datasets_per_page": "20",
        "smtp.server": "localhost:6675",
        "error_email_from": "server-error@example.com",
        "smtp.mail_from": "info@test.ckan.net",
        "email_to": "",
    }
    kept = [line for line in ours.splitlines() if line.split(" = ")[0] not in theirs]
    added = [f"{name} = {value}" for name, value in theirs.items()]
    head = kept.index("use = egg:ckan") + 1
    text = "\n".join([*kept[:head], *added, *kept[head:]]) + "\n"
    return text.replace("@/ckan?", "@/ckan_test?").replace("@/datastore?", "@/datastore_test?")


def run(folder: Path, extra: Sequence[str]) -> Outcome:
    """Start a portal in `folder`, run the tests on databases of their own, stop it; return what they came to."""
    environment = find_environment()
    home = Home(folder / "portal")
    embedded.up(home.path, port=None, tied=True, say=print)
    try:
        runtime = Path(str(read_state(home).runtime))
        _make_databases(environment, runtime)
        ini = folder / "test-core.ini"
        ini.write_text(test_settings(runtime, home.storage), "utf-8")
        _make_tables(environment, ini)
        return _run_tests(environment, ini, folder / "report.xml", extra)
    finally:
        embedded.down(home.path)


def _make_databases(environment: Environment, runtime: Path) -> None:
    program = str(environment.postgres / "bin" / "psql")
    for statement in _DATABASES_SQL.split("; "):
        subprocess.run(
            [program, "-X", "-q", "-h", str(runtime), "-U", "postgres", "-d", "postgres", "-c", statement],
            check=True,
            env=clean_environment(),
        )


def _make_tables(environment: Environment, ini: Path) -> None:
    program = "import pylibmagic; from ckan.cli.cli import ckan; ckan()"
    command = [str(environment.python), "-c", program, "-c", str(ini), "db", "init"]
    done = subprocess.run(command, cwd=ini.parent, check=False, capture_output=True, env=clean_environment())
    if done.returncode != 0:
        raise WorldError("CKAN cannot make the tests' tables.", done.stderr.decode(errors="replace")[-500:])


def _run_tests(environment: Environment, ini: Path, report: Path, extra: Sequence[str]) -> Outcome:
    tests = environment.site_packages / "ckan" / "tests"
    options = ["-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-W", "ignore", f"--rootdir={tests}"]
    # -p pylibmagic: loaded before CKAN, as in the portal itself.
    options += ["-p", "pylibmagic", "-c", "/dev/null", f"--ckan-ini={ini}", f"--junitxml={report}"]
    command = [str(environment.python), "-m", "pytest", *options, *extra, *(str(tests / suite) for suite in SUITES)]
    done = subprocess.run(command, cwd=ini.parent, check=False, env=clean_environment(PYTHONDONTWRITEBYTECODE="1"))
    if not report.exists():
        raise WorldError(f"CKAN's tests could not be run (exit code {done.returncode}).", "See above what pytest says.")
    return read_report(report)


def read_report(report: Path) -> Outcome:
    """Read pytest's JUnit report."""
    passed, skipped, failures = 0, 0, []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        broken = [element for element in case if element.tag in ("failure", "error")]
        if broken:
            why = (broken[0].get("message") or broken[0].text or "").strip().splitlines()
            text = why[0] if why else "no message"
            failures.append(Failure(case.get("name", ""), case.get("classname", ""), text))
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return Outcome(passed, skipped, tuple(failures))


def main() -> int:
    """Run the tests, print what they came to, return the exit code."""
    try:
        with tempfile.TemporaryDirectory(prefix="glane-conform-") as folder:
            # The database's user, if it is not us, must be able to pass.
            Path(folder).chmod(0o711)
            outcome = run(Path(folder), sys.argv[1:])
    except GlaneError as error:
        print(f"{error.what}\n{error.remedy}", file=sys.stderr)
        return error.exit_code
    print(f"\nCKAN's own tests with search on PostgreSQL: {outcome.passed} passed, {len(outcome.failures)} failed.")
    for failure in outcome.failures:
        print(f"- {failure.place}::{failure.name}: {failure.why}")
        print("  (explained: CKAN's wheel leaves this file out)" if failure.explained else "  NOT EXPLAINED")
    return 0 if outcome.conforms else 1


if __name__ == "__main__":
    sys.exit(main())
