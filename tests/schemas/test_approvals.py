"""Approvals: a line lets pass what has its hash, and up to a last day what is no worse; the file is read with care."""

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.declaration import DeclarationError
from glane.text import Text
from schemas.expectations.approvals import (
    COLUMNS,
    Approval,
    Approvals,
    add_approval,
    excess_of,
    parse_approvals,
    read_approvals,
    with_line,
)
from schemas.expectations.outcome import Outcome

HASH, OTHER = "0123456789abcdef", "fedcba9876543210"
DAY = datetime.date(2026, 11, 22)
WORDS = Text(fr="x", en="x")


def asks(expect: str, excess: dict[str, float]) -> Outcome:
    return Outcome(
        table="places",
        expect=expect,
        fields=(),
        severity="ask",
        passed=False,
        expected=WORDS,
        observed=WORDS,
        excess=excess,
    )


def approval(*asked: Outcome, until: datetime.date | None = None, partner: str = "") -> Approval:
    return Approval(HASH, partner, "hub", DAY, until, "The hub closed.", excess_of(asked))


FALL = asks("row_count_change", {"fall": 0.4})


def test_without_a_last_day_it_lets_pass_what_has_its_hash_and_nothing_else() -> None:
    given_ = Approvals((approval(FALL),))
    assert given_.passing(HASH, [FALL], DAY) == given_.all[0]
    assert given_.passing(HASH, [FALL], datetime.date(2036, 1, 1)) == given_.all[0]
    assert given_.passing(OTHER, [FALL], DAY) is None
    assert given_.passing(HASH, [FALL], DAY, partner="angers") is None


@pytest.mark.parametrize(
    ("asked", "day", "passes"),
    [
        ([FALL], DAY, True),
        ([asks("row_count_change", {"fall": 0.39})], DAY, True),
        ([asks("row_count_change", {"fall": 0.41})], DAY, False),
        ([asks("row_count_change", {"rise": 0.1})], DAY, False),
        ([asks("partners_kept", {"caen": 1})], DAY, True),
        ([asks("partners_kept", {"brest": 1})], DAY, False),
        ([FALL, asks("values_kept", {"FR": 1})], DAY, False),
        ([asks("row_count", {})], DAY, False),
        ([FALL], DAY + datetime.timedelta(days=8), False),
    ],
)
def test_up_to_its_last_day_it_lets_pass_what_is_no_worse(
    asked: list[Outcome], day: datetime.date, *, passes: bool
) -> None:
    until = DAY + datetime.timedelta(days=7)
    given_ = approval(FALL, asks("partners_kept", {"caen": 1, "dol": 1}), until=until)
    assert given_.passes(OTHER, asked, day) is passes


def test_after_its_last_day_it_lets_pass_not_even_what_it_was_given_for() -> None:
    assert not approval(FALL, until=DAY).passes(HASH, [FALL], DAY + datetime.timedelta(days=1))


@given(
    st.lists(st.dictionaries(st.text(min_size=1), st.floats(0, 10).map(lambda f: round(f, 4)), min_size=1), max_size=4)
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_what_is_read(excesses: list[dict[str, float]]) -> None:
    names = [" ".join(name.split()) for excess in excesses for name in excess]
    if any(not name for name in names):
        return
    asked = [
        asks(f"guard{number}", {" ".join(name.split()): figure for name, figure in excess.items()})
        for number, excess in enumerate(excesses)
    ]
    line = approval(*asked, until=DAY, partner="angers")
    data = with_line(with_line(b"", line, Path("a.csv")), approval(), Path("a.csv"))
    assert parse_approvals(data, Path("a.csv")).all == (line, approval())


def test_no_file_is_no_approval_and_a_line_is_added_whole(tmp_path: Path) -> None:
    path = tmp_path / "decisions" / "lieux.approvals.csv"
    assert read_approvals(path) == Approvals()
    add_approval(path, approval(FALL))
    add_approval(path, approval(until=DAY))
    assert path.read_text() == (
        ",".join(COLUMNS) + "\n"
        f"{HASH},,hub,2026-11-22,,The hub closed.,places_row_count_change_ask fall=0.4\n"
        f"{HASH},,hub,2026-11-22,2026-11-22,The hub closed.,\n"
    )
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"{HASH},,,2026-11-22,,why,", "'by'|by.*Nothing stands here"),
        ("abc,,hub,2026-11-22,,why,", "'abc' is no hash of what waits"),
        (f"{HASH},,hub,22/11/2026,,why,", "is no day"),
        (f"{HASH},,a@b.example,2026-11-22,,why,", "names a person"),
        (f"{HASH},,hub,2026-11-22,,why,all", "does not say what it lets pass"),
        (f"{HASH},,hub,2026-11-22,,why,,more", "more cells than columns"),
    ],
)
def test_a_wrong_line_says_where_it_is_wrong_and_what_to_write(line: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as caught:
        parse_approvals((",".join(COLUMNS) + "\n" + line + "\n").encode(), Path("lieux.approvals.csv"))
    assert [fault.line for fault in caught.value.faults] == [2]


def test_other_columns_are_refused() -> None:
    with pytest.raises(DeclarationError, match="Write hash,partner,by,on,until,why,lets"):
        parse_approvals(b"hash,by\n", Path("lieux.approvals.csv"))
