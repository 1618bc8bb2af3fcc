"""Text that a person reads, in every language Glane speaks.

Belongs here: the bilingual value that declarations carry. Does not belong here: the words of reports and pages,
which stand beside what they describe.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")


class Text(BaseModel):
    """One text in French and in English; both are required, so that no page is half translated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fr: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def __getitem__(self, language: Language) -> str:
        return self.fr if language == "fr" else self.en
