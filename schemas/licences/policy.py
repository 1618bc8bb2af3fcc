"""Which licences a dataset takes: the key `licence:` of dataset.yaml.

Belongs here: the model, held against the table of rights. Does not belong here: the table (rights.py), the gate that
parts contributions (publish/contribution.py).
"""

from pydantic import Field, model_validator

from glane.declaration import Declared
from schemas.licences import OpenSpdx, Spdx
from schemas.licences.rights import right_into


class LicencePolicy(Declared):
    """Under which licence the dataset is published, and which licences of partners its community accepts beside one
    another in it (SPDX ids). Rows under any other wait, or go to a table of their own (`apart_from` of a table)."""

    publish: OpenSpdx
    accept: list[Spdx] = Field(min_length=1)

    @model_validator(mode="after")
    def _compatible(self) -> "LicencePolicy":
        for licence in self.accept:
            right = right_into(licence, self.publish)
            if right.answer == "no":
                raise ValueError(
                    f"rows under {licence} cannot be published under {self.publish}: {right.clause.en} ({right.source})"
                )
        return self
