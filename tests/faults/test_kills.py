"""A publisher that is killed, really (SIGKILL), wherever it is: readers see the old version or the new one, and the
next run leaves the portal as an undisturbed one would.
"""

import pytest

from publish.ckan.publication import STEPS
from tests.faults.conftest import WHOLE
from tests.faults.proxy import Fault, at, kill_after, kill_amid, kill_before
from tests.faults.scenario import KINDS, Trials

pytestmark = [pytest.mark.portal, pytest.mark.slow, pytest.mark.timeout(7200 if WHOLE else 900)]


def steps_of(kind: str) -> tuple[str, ...]:
    """The steps that a publication of that kind takes: a page is made once."""
    return STEPS if kind == "first" else STEPS[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_one_step_after_the_other_readers_see_one_version_and_the_last_run_converges(
    trials: Trials, kind: str
) -> None:
    first, *others = steps_of(kind)
    dead = [trials.disturb(kind, kill_step=first), *(trials.again(kind, kill_step=step) for step in others)]
    assert [ended.killed for ended in dead] == [True] * len(dead)
    trials.heal(kind, *dead)
    told = {step: ended.said for step, ended in zip(steps_of(kind), dead, strict=True)}
    assert "taking over the lease of a publisher that is dead" in told["datastore"]


@pytest.mark.skipif(not WHOLE, reason="the whole matrix: make faults")
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_the_next_run_converges(trials: Trials, step: str) -> None:
    for kind in KINDS:
        ended = trials.disturb(kind, kill_step=step)
        assert ended.killed == (step in steps_of(kind)), ended
        trials.heal(kind, ended)


@pytest.mark.skipif(not WHOLE, reason="the whole matrix: make faults")
@pytest.mark.parametrize("kill", [kill_before, kill_after, kill_amid], ids=lambda kill: kill.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_request_the_next_run_converges(trials: Trials, kind: str, kill: Fault) -> None:
    for number, what in enumerate(trials.requests[kind], 1):
        # A request that is cut half-way is another matter only where there is something to cut.
        if kill is not kill_amid or what.endswith("+files"):
            ended = trials.disturb(kind, at(number, kill))
            assert ended.killed, (number, what, ended)
            trials.heal(kind, ended)
