"""`glane restore`: go back to an older version.

Belongs here: arguments and what is printed. Does not belong here: making the version (publish/restoration.py).
"""

from typing import Annotated

import typer

from pipelines.cli.say import day, out, print_json


def restore(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    version: Annotated[str, typer.Argument(help="The version to bring back: 1.0.0 (glane versions lists them).")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence: it stands in the changelog, for everybody.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Make an older version current again, as a new version: nothing that was published is unmade.

    What stood before is put aside: the next runs do not bring it back until a partner's rows or the rules change.
    The portal follows with the next glane publish or glane run.
    """
    from datetime import UTC, datetime

    from glane.store import open_store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.settings import load_settings
    from publish.restoration import restore as bring_back

    settings = load_settings()
    found = find_dataset(load_catalogue(settings), dataset)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    made = bring_back(found, open_store(settings.store), version, reason, created=created)
    if as_json:
        print_json(
            made.model_dump(mode="json", include={"dataset", "version", "created", "previous", "rows", "restores"})
        )
        return
    out().print(f"version of {day(made.created)} ({made.version}) says what {version} said.", markup=False)
    out().print(f"Show it on the portal: glane publish {dataset}", markup=False)
