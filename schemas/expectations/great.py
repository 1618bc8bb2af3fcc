"""The door to Great Expectations: one expectation of its own, judged on a frame.

Belongs here: importing it (seconds, hence only when it is used), its context, its answers as plain values. Does not
belong here: which expectation judges what (judging.py).

The context lives in memory alone: no project folder, no data docs, no store, no telemetry (GX 1.24 has none any more).
"""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from glane.errors import CallError


class ExpectationError(CallError):
    """An expectation that cannot be judged at all; the version is not made, the last one stands."""


def judge(frame: pl.DataFrame, expectation: str, /, **settings: Any) -> tuple[bool, Mapping[str, Any]]:
    """Judge the expectation called `expectation` (ExpectTableRowCountToBeBetween) with `settings` on `frame`.

    Gives whether it is met, and what Great Expectations observed. Raises ExpectationError.
    """
    import great_expectations.expectations as known

    batch = _frames().get_batch({"dataframe": frame.to_pandas()})
    answer = batch.validate(getattr(known, expectation)(**settings), result_format="BASIC")
    if not answer.result:
        said = [each.get("exception_message") for each in answer.exception_info.values() if isinstance(each, Mapping)]
        raise ExpectationError(
            f"Great Expectations cannot judge {expectation} with {settings}: {'; '.join(filter(None, said))}.",
            "Correct the line under `expectations:` in dataset.yaml, or report this to Glane's developers.",
        )
    return bool(answer.success), answer.result


@cache
def _frames() -> Any:
    import great_expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("glane").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("rows")
