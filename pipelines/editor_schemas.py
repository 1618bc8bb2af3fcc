"""The JSON Schemas in docs/: of dataset.yaml and source.yaml, for editors that complete and check YAML, and of
quality.json, for those who read it.

Belongs here: which models these are, and writing their files: `python -m pipelines.editor_schemas`. Does not
belong here: how a model becomes a JSON Schema (glane/json_schema.py).
"""

from pathlib import Path

from pydantic import BaseModel

from glane.json_schema import json_schema, to_text
from publish.quality.report import QualityReport
from schemas.dataset import DatasetLine
from sources.declaration import SourceLine

DOCS = Path(__file__).parent.parent / "docs"


def editor_schemas() -> dict[str, str]:
    """The text of each file of docs/, by name."""
    models: dict[str, type[BaseModel]] = {
        "dataset.schema.json": DatasetLine,
        "source.schema.json": SourceLine,
        "quality.schema.json": QualityReport,
    }
    return {name: to_text(json_schema(model)) for name, model in models.items()}


def main() -> None:
    """Write the files anew."""
    for name, text in editor_schemas().items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
