"""What Dagster loads (workspace.yaml, [tool.dg]): the graph with the settings of this environment.

Belongs here: that one composition. Does not belong here: anything that could be tested without an environment.
"""

import dagster as dg

from pipelines.cli.embedded import find_portal
from pipelines.graph import build_definitions
from pipelines.settings import load_settings


@dg.definitions
def defs() -> dg.Definitions:
    """Glane's graph, from the declarations as they are now."""
    settings = load_settings()
    return build_definitions(settings, lambda: find_portal(settings))
