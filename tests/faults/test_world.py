"""What the world does to a publication: gateways, dead connections, lost answers, wrong bytes, rights that end, a full
disk. Where it can be mended on the spot the publisher mends it; else it says what happened, and the next run converges.
"""

import json
from dataclasses import dataclass

import pytest

from tests.faults.conftest import WHOLE
from tests.faults.proxy import ANSWERS, Answer, Exchange, Fault, close, cut, late, lose, say, silent, spoil, to
from tests.faults.scenario import KINDS, Trials

pytestmark = [pytest.mark.portal, pytest.mark.long, pytest.mark.timeout(7200 if WHOLE else 900)]

FAULTS: dict[str, Fault] = {
    "closed": close,
    "cut": cut,
    "answer lost": lose,
    "late": late(0.4),
    "silent": silent(3),
    **{name: say(answer) for name, answer in ANSWERS.items()},
}
ENDS = {
    "403": "RightsError",
    "403 of a firewall": "RightsError",
    "409": "RefusedError",
    "200 that is no CKAN's": "NotCkanError",
}
"""The faults that no publisher can mend by asking again, and how it ends."""


@dataclass(frozen=True)
class Case:
    """A fault that meets one request of a publication; `skip` of that kind are left alone before."""

    kind: str
    what: str
    fault: str
    skip: int = 0


CASES = [
    Case("first", "package_create", "502"),
    Case("ordinary", "package_revise+files", "answer lost"),
    Case("removing", "datastore_delete", "429"),
    Case("major", "datastore_create", "late"),
    Case("first", "package_revise+files", "cut"),
    Case("ordinary", "package_revise", "late", skip=1),
    Case("removing", "package_revise", "500", skip=1),
    Case("major", "package_revise+files", "403 of a firewall"),
    Case("first", "datastore_upsert", "closed"),
    Case("ordinary", "package_revise", "409"),
    Case("removing", "datastore_upsert", "silent"),
    Case("major", "package_show", "200 that is no CKAN's"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.what}-{case.fault}")
def test_a_fault_is_mended_or_said_and_the_next_run_converges(trials: Trials, case: Case) -> None:
    _try(trials, case)


@pytest.mark.skipif(not WHOLE, reason="the whole matrix: make faults")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_at_every_change(trials: Trials, kind: str, fault: str) -> None:
    changes = [what for what in trials.requests[kind] if what not in ("status_show", "package_show", "download")]
    for number, what in enumerate(changes):
        if not what.endswith(("_show", "_list", "_search", "_list_for_user")):
            _try(trials, Case(kind, what, fault, skip=changes[:number].count(what)))


def _try(trials: Trials, case: Case) -> None:
    ended = trials.disturb(
        case.kind, to(case.what, FAULTS[case.fault], skip=case.skip), answer=1.5 if case.fault == "silent" else 30
    )
    assert trials.proxy.fired == 1, (case, ended)
    assert ended.error == ENDS.get(case.fault), (case, ended)
    healed = trials.heal(case.kind, ended)
    assert healed.outcome["unchanged"] == (ended.error is None), (case, ended, healed)


@pytest.mark.parametrize(
    ("what", "fault", "error"),
    [
        ("package_revise", "502", "NoAnswerError"),
        *([("package_revise+files", "cut", "NoAnswerError"), ("changes", "503", "UntouchedError")] if WHOLE else []),
    ],
)
def test_a_portal_that_goes_on_failing_is_named_and_readers_keep_the_old_version(
    trials: Trials, what: str, fault: str, error: str
) -> None:
    ended = trials.disturb("ordinary", to(what, FAULTS[fault], times=99))
    assert ended.error == error, ended
    assert "goes on from where it stopped" in ended.outcome["remedy"]
    assert trials.reader.last == trials.scenario.kind("ordinary").before
    trials.heal("ordinary", ended)


@pytest.mark.parametrize("after", range(5) if WHOLE else [2])
def test_a_token_that_expires_on_the_way_is_said_to_have(trials: Trials, after: int) -> None:
    ended = trials.disturb("removing", to("changes", FAULTS["403"], times=99, skip=after))
    assert ended.error == "RightsError", ended
    assert "has not expired" in ended.outcome["remedy"]
    trials.heal("removing", ended)


def test_a_count_of_a_moment_ago_is_forgotten(trials: Trials) -> None:
    """CKAN keeps the number of rows that a reader's question found while we wrote, until the next write."""

    def stale(exchange: Exchange) -> None:
        given = exchange.forward()
        said = json.loads(given.body)
        said["result"]["total"] = 0
        exchange.answer(Answer(200, json.dumps(said).encode(), given.headers))

    ended = trials.disturb("ordinary", to("datastore_search", stale))
    assert ended.error is None, ended
    asked = [seen.what for seen in trials.proxy.seen]
    place = asked.index("datastore_search")
    assert asked[place : place + 3] == ["datastore_search", "datastore_upsert", "datastore_search"]
    trials.heal("ordinary", ended)


@pytest.mark.parametrize("skip", range(13) if WHOLE else [0])
def test_wrong_bytes_read_back_are_never_linked(trials: Trials, skip: int) -> None:
    ended = trials.disturb("ordinary", to("download", spoil, skip=skip))
    assert ended.error == "ReadBackError", ended
    assert trials.reader.last == trials.scenario.kind("ordinary").before
    healed = trials.heal("ordinary", ended)
    assert any("that a killed run had left" in line or "uploaded" in line for line in healed.said)


def test_a_disk_without_room_for_what_is_sent_is_said_to_be_full(trials: Trials) -> None:
    ended = trials.disturb("ordinary", file_size=2_000)
    assert ended.error == "DiskError", ended
    trials.heal("ordinary", ended)


@pytest.mark.parametrize("hours", [-30 * 24, 30 * 24] if WHOLE else [-30 * 24])
def test_a_publisher_whose_clock_is_wrong_publishes_the_same(trials: Trials, hours: int) -> None:
    ended = trials.disturb("ordinary", kill_step="datastore", clock=hours * 3600)
    assert ended.killed
    again = trials.again("ordinary", clock=-hours * 3600)
    assert again.error is None, again
    trials.heal("ordinary", ended, again)
