"""`glane prune` and `glane derive`: what of the past goes, and what comes again.

Belongs here: arguments and what is printed. Does not belong here: what may go (pipelines/pruning.py, past_runs.py),
making a file again (publish/remaking.py).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glane.errors import CallError
from pipelines.cli.say import err, out, print_json, size

if TYPE_CHECKING:
    from pipelines.past_runs import PastRuns
    from pipelines.settings import Settings


def prune(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Datasets to prune.", show_default="all", metavar="[DATASET]...")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and leave it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Take out of the store what its dataset's retention: does not keep, and Dagster's runs after GLANE_RUN_DAYS.

    glane run does this by itself once a day. Canonical files of versions (CSV, Parquet, deltas, reports) and whatever
    stands now never go. What went is noted in the store, under log/removed.
    """
    from glane.store import open_store
    from pipelines.catalogue import choose, load_catalogue
    from pipelines.pruning import Unpruned, prune_datasets
    from pipelines.settings import load_settings

    settings = load_settings()
    chosen = choose(load_catalogue(settings), datasets or [])
    codes = [0]
    told: list[dict[str, Any]] = []
    for done in prune_datasets(chosen, open_store(settings.store), dry_run=dry_run):
        if isinstance(done, Unpruned):
            codes.append(done.error.exit_code)
            told.append({"dataset": done.dataset, "problem": str(done.error)})
            err().print(f"{done.dataset}  FAILED  {done.error}", markup=False)
            continue
        gone = [{"key": one.key, "bytes": one.bytes, "why": one.why} for one in done.removals]
        told.append({"dataset": done.dataset, "bytes": done.bytes, "removed": gone, "problem": None})
        if not as_json:
            for one in done.removals:
                out().print(f"  {one.key}  {size(one.bytes)}: {one.why}", markup=False)
            out().print(f"{done.dataset}  {_went(len(gone), 'file', dry_run)}, {size(done.bytes)}", markup=False)
    runs = _prune_runs(settings, dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "datasets": told, "runs": {"count": runs.runs, "bytes": runs.bytes}})
    else:
        out().print(f"Dagster  {_went(runs.runs, 'run', dry_run)}, {size(runs.bytes)}", markup=False)
    raise typer.Exit(max(codes))


def derive(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    version: Annotated[str, typer.Argument(help="The version: 1.0.0 (glane versions lists them).")],
    to: Annotated[Path, typer.Option("--to", help="Folder for the files; made where there is none.")] = Path(),
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", "-f", help="xlsx, geojson, departements or communes. May be repeated.", show_default="all"
        ),
    ] = None,
) -> None:
    """Make the derived files of any version again (XLSX, GeoJSON, a CSV for each département, the list of communes),
    byte for byte, and check them against its manifest.

    The store keeps them for the current version, the one before, and the last of each month; the canonical CSV and
    Parquet of every version are kept for ever.
    """
    from glane.store import open_store
    from pipelines.settings import load_settings
    from publish.formats import DERIVED
    from publish.remaking import COMMUNES, derive_again

    known = sorted([*DERIVED, COMMUNES])
    if unknown := [name for name in formats or () if name not in known]:
        raise CallError(f"{unknown[0]!r} is no derived format.", f"The derived formats are {', '.join(known)}.")
    wanted = [name for name in known if not formats or name in formats]
    for path in derive_again(open_store(load_settings().store), dataset, version, to, wanted):
        out().print(f"{path}  {size(path.stat().st_size)}, as listed", markup=False)


def _went(count: int, what: str, dry_run: bool) -> str:
    return f"{count} {what}{'' if count == 1 else 's'} {'would go' if dry_run else 'went'}"


def _prune_runs(settings: "Settings", *, dry_run: bool) -> "PastRuns":
    from datetime import UTC, datetime, timedelta

    from pipelines.instance import open_instance
    from pipelines.past_runs import prune_runs

    before = datetime.now(UTC) - timedelta(days=settings.run_days)
    with open_instance(settings.dagster_home) as instance:
        return prune_runs(instance, settings.dagster_home, before=before, dry_run=dry_run)
