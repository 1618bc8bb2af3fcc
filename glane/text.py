"""Text that a person reads, in every language that it was written in.

Belongs here: the value that declarations carry. Does not belong here: the words of reports and pages, which stand
beside what they describe, nor which languages partners are answered in (schemas/phrases).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")
"""The languages of every text that is declared; the portal's pages speak them."""


def _any_language(schema: JsonDict) -> None:
    schema["additionalProperties"] = False
    schema["patternProperties"] = {"^[a-z]{2}$": {"type": "string", "minLength": 1}}


class Text(BaseModel):
    """One text in French and in English; both are required, so that no page is half translated. Any other language
    (an ISO 639-1 code) may stand beside them."""

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=_any_language)
    __pydantic_extra__: dict[str, str] = Field(init=False)

    fr: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @model_validator(mode="after")
    def _known_keys(self) -> "Text":
        for key, text in self.__pydantic_extra__.items():
            if len(key) != 2 or not (key.isascii() and key.islower()):
                raise ValueError(f"{key!r} is no language; write a code of two letters: fr, en, nl")
            if not text:
                raise ValueError(f"nothing stands at {key!r}; write the text, or leave the language out")
        return self

    def __getitem__(self, language: str) -> str:
        """The text in `language`; in English where it was not written in that one."""
        return self.fr if language == "fr" else self.__pydantic_extra__.get(language, self.en)
