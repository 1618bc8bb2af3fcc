"""How a run looks on a terminal: progress while it goes, then one line a source and a few a dataset.

Belongs here: words, colours, bars. Does not belong here: the sums (pipelines/summary.py).
"""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from pipelines.catalogue import Entry
from pipelines.cli.say import day, size
from pipelines.cli.sending import OnItsWay
from pipelines.release import Merge, Publication, Release, Sending
from pipelines.summary import DatasetOutcome, Outcome, SourceOutcome

_STATES = {
    "ok": "[green]ok     [/]",
    "failed": "[red]FAILED [/]",
    "refused": "[red]REFUSED[/]",
    "paused": "[yellow]paused [/]",
    "retired": "[yellow]retired[/]",
}


class Progress:
    """A bar on a terminal, a plain line for each dataset elsewhere."""

    def __init__(self, console: Console, chosen: Mapping[str, Entry]) -> None:
        self._console = console
        self._total = sum(len(entry.sources) + 2 for entry in chosen.values())
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Bar(*columns, console=console, transient=True) if console.is_terminal else None
        self._task = self._bar.add_task("Starting", total=self._total) if self._bar else None
        self._sending = OnItsWay(console, self._bar)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        else:
            self._console.print("Harvesting ...")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, event: object) -> None:
        """One more thing is done, or on its way."""
        if isinstance(event, Sending):
            self._sending.show(event)
            return
        if self._bar is None and (stage := _stage(event)):
            self._console.print(stage, markup=False)
        where = "/".join(filter(None, [getattr(event, "dataset", ""), getattr(event, "partner", "")]))
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, description=escape(where))


def _stage(event: object) -> str | None:
    """What a log should tell while a long run goes: each dataset's stages, not each source."""
    if isinstance(event, Merge):
        return f"{event.dataset}: harvested and merged"
    if isinstance(event, Release):
        return f"{event.dataset}: version {event.version.version}{'' if event.built.new else ' stands'}"
    if isinstance(event, Publication):
        return f"{event.dataset}: published"
    return None


def as_lines(outcome: Outcome, *, publish: bool, portal_known: bool) -> Iterator[str]:
    """The whole outcome, in lines with rich's markup."""
    for dataset in outcome.datasets:
        yield f"[bold]{dataset.name}[/]"
        width = max((len(source.partner) for source in dataset.sources), default=0)
        for source in dataset.sources:
            yield from _source(source, width)
        yield from _version(dataset)
        yield from (f"  [yellow]look at[/] {escape(warning)}" for warning in dataset.warnings)
        yield from _portal(dataset, publish=publish, portal_known=portal_known)
        if dataset.problem is not None:
            yield f"  [red]FAILED[/]  at {dataset.problem.at}: {_under(dataset.problem.reason)}"
            if dataset.problem.remedy:
                yield f"          {_under(dataset.problem.remedy)}"
        yield from _cost(dataset)


def _source(source: SourceOutcome, width: int) -> Iterator[str]:
    yield from _read(source, width)
    yield from (f"          {_under(said)}" for said in source.answered)
    yield from (f"          [yellow]look at[/] {_under(said)}" for said in source.unanswered)


def _read(source: SourceOutcome, width: int) -> Iterator[str]:
    head = f"  {_STATES[source.state]} {escape(source.partner)}{' ' * (width - len(source.partner))}"
    counts = (
        f"{source.rows_in} rows in: {source.published} published, {source.to_correct} to be corrected, "
        f"{source.on_hold} on hold, {source.merged} merged"
    )
    if source.absent:
        leave = f", leaving on {day(source.leave_on)}" if source.leave_on else ""
        counts += f"; {source.absent} no longer in the file, published all the same{leave}"
    if source.state == "ok":
        since = f" (unchanged since {day(source.unchanged_since)})" if source.unchanged_since else ""
        yield f"{head}  {counts}{since or ('' if source.changed else ' (file unchanged)')}"
        return
    if source.reason is None:
        yield f"{head}  {counts}"
        return
    yield f"{head}  {_under(source.reason)}"
    if source.remedy:
        yield f"          {_under(source.remedy)}"
    if source.stale_since is not None:
        yield f"          Its last good rows stay, stale since {day(source.stale_since)}: {counts}"


def _under(text: str) -> str:
    """A text that may have several lines, those after the first set in."""
    return escape(text).replace("\n", "\n          ")


def _version(dataset: DatasetOutcome) -> Iterator[str]:
    if dataset.version is None or dataset.created is None:
        return
    rows = ", ".join(f"{count} rows in {table}" for table, count in dataset.rows.items())
    name = f"version of {day(dataset.created)} ({dataset.version})"
    yield f"  {name}: {rows}" if dataset.new_version else f"  no new version: nothing changed since the {name}, {rows}"


def _cost(dataset: DatasetOutcome) -> Iterator[str]:
    """What it took, and what that comes to in a year: nobody sees otherwise that a store or a bill grows."""
    cost = dataset.cost
    if cost is None:
        return
    moved, year = cost.moved, cost.year
    kinds = ", ".join(f"{kind} {size(count)}" for kind, count in cost.kept.items() if count)
    pruned = f", {size(dataset.pruned_bytes)} pruned" if dataset.pruned_bytes else ""
    yield (
        f"  {size(moved.received)} received, {size(moved.written)} written, {size(moved.sent)} sent{pruned}; "
        f"{size(sum(cost.kept.values()))} kept{f' ({kinds})' if kinds else ''}"
    )
    if year is None:
        return
    if year.days is None:
        rate = f"a year, at most, were its {year.runs} declared runs like this one"
    else:
        rate = f"a year, at the rate of the last {year.days} days" if year.days > 1 else "a year, at today's rate"
    grown = f"{size(year.kept)} more" if year.kept >= 0 else f"{size(-year.kept)} less"
    yield (
        f"  {rate}: {size(year.received)} received, {size(year.written)} written, {size(year.sent)} sent, {grown} kept"
    )


def _portal(dataset: DatasetOutcome, *, publish: bool, portal_known: bool) -> Iterator[str]:
    if dataset.page is not None:
        moved = "nothing uploaded" if not dataset.bytes_sent else f"{size(dataset.bytes_sent)} uploaded"
        yield f"  {dataset.page}  ({moved})"
    elif publish and not portal_known:
        yield "  not published: no portal is known (glane portal up, or set GLANE_PORTAL)"
