"""The JSON Schema of a declaration, with which an editor completes and checks YAML while it is written (design, 1).

Belongs here: turning a model into a JSON Schema. Does not belong here: which models there are; those stand in their
rooms, and `pipelines.editor_schemas` writes the files of docs/.
"""

import json
from typing import Any

from pydantic import BaseModel


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a declaration of `model`, keys named as they are written in YAML."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def to_text(schema: dict[str, Any]) -> str:
    """The bytes of its file: readable, and the same for the same schema."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
