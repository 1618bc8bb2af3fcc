"""How long a dataset's past is kept in the store: `retention:` in dataset.yaml.

Belongs here: the model and its defaults. Does not belong here: what goes when (publish/retention.py for versions,
pipelines/pruning.py for the rest), nor Dagster's own past (GLANE_RUN_DAYS).
"""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from glane.declaration import Declared

ALWAYS: Final = "always"


def _as_days(value: object) -> object:
    if value == ALWAYS or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 36_500):
        return value
    raise ValueError(f"{value!r} is neither a number of days nor 'always': write it as 90 or always")


Days = Annotated[int | Literal["always"], BeforeValidator(_as_days)]
"""A number of days, or for ever."""


class Retention(Declared):
    """How long what stands beside the canonical files of versions is kept; those are for ever.

    `inputs`: the partner's bytes that versions were made of, from the day on which the last of these was replaced. For
    ever by default: with them any published cell leads back to the line that a partner wrote. `snapshots`: bytes that
    no version was made of, from the day they came. `rows`: the rows of an earlier judgement, from its day; the
    snapshot gives them again. `reports`: reports on earlier judgements, from their day. `formats`: the derived formats
    (XLSX, GeoJSON) of versions that are no longer current; "monthly" keeps those of the last version of each month,
    and `glane derive` makes the others again. What stands now never goes, however old it is.
    """

    inputs: Days = ALWAYS
    snapshots: Days = 90
    rows: Days = 30
    reports: Days = 365
    formats: Literal["monthly", "always"] = "monthly"
