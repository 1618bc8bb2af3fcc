"""A wrong declaration is answered with file, line, key, what was expected and what to do."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import model_validator

from glane.declaration import DeclarationError, Declared, load_declaration


class Format(Declared):
    kind: Literal["csv", "xlsx"]
    header: int = 1


class Example(Declared):
    title: str
    country: str = "FR"
    postcode: str = ""
    format: Format
    parts: list[Format] = []

    @model_validator(mode="after")
    def _not_in_belgium_without_a_postcode(self) -> "Example":
        if self.country == "BE" and not self.postcode:
            raise ValueError("a place in BE needs a postcode")
        return self


def faults(folder: Path, text: str) -> list[tuple[int, str, str]]:
    path = folder / "source.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        load_declaration(path, Example)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"{path}:")
    return [(fault.line, fault.key, f"{fault.what} {fault.remedy}".strip()) for fault in caught.value.faults]


def test_plain_scalars_stay_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "source.yaml"
    path.write_text("title: yes\ncountry: NO\npostcode: 01000\nformat: {kind: csv, header: 2}\n")
    assert load_declaration(path, Example) == Example(
        title="yes", country="NO", postcode="01000", format=Format(kind="csv", header=2)
    )


def test_every_fault_is_told_at_once_with_its_line_and_the_nearest_word(tmp_path: Path) -> None:
    text = "titel: Lieux\nformat:\n  kind: cvs\n  hedder: 1\nparts:\n  - kind: csv\n  - kind: csv\n    header: two\n"
    assert faults(tmp_path, text) == [
        (1, "title", "The key 'title' is missing. Add it."),
        (1, "titel", "The key 'titel' is not known. Did you mean 'title'?"),
        (3, "format.kind", "'cvs' is not on the list. Expected one of: 'csv' or 'xlsx'. Did you mean 'csv'?"),
        (4, "format.hedder", "The key 'hedder' is not known. Did you mean 'header'?"),
        (
            8,
            "parts.1.header",
            "Input should be a valid integer, unable to parse string as an integer, but the file says 'two'. "
            "Correct the value.",
        ),
    ]


def test_what_is_wrong_with_a_declaration_as_a_whole_is_told_too(tmp_path: Path) -> None:
    text = "title: a\ncountry: BE\nformat: {kind: csv}\n"
    assert faults(tmp_path, text) == [(1, "", "a place in BE needs a postcode.")]


def test_a_doubled_key_is_refused(tmp_path: Path) -> None:
    text = "title: a\nformat: {kind: csv}\ntitle: b\n"
    assert faults(tmp_path, text) == [
        (3, "title", "The key is doubled. It stands on line 1 already: keep one of them.")
    ]


def test_text_that_is_no_yaml_names_its_line(tmp_path: Path) -> None:
    ((line, _, sentence),) = faults(tmp_path, "title: a\nformat: {kind: csv\n")
    assert line == 3
    assert sentence.startswith("This is not YAML:")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "unfolds to more than"),
        ("parts: " + "[" * 100_000, "nested more than 50 deep"),
        ("format: &a\n  kind: *a\n", "holds itself"),
        ("title: !!python/object/apply:os.system [ls]\n", "has no meaning here"),
        ("title: !!timestamp x\n", "has no meaning here"),
        ("title: a\nformat: {kind: csv, header: " + "9" * 5000 + "}\n", "A value cannot be read"),
    ],
)
def test_a_declaration_never_hangs_nor_ends_the_process(tmp_path: Path, text: str, said: str) -> None:
    [(_, _, told)] = faults(tmp_path, text)
    assert said in told


def test_aliases_may_be_used(tmp_path: Path) -> None:
    path = tmp_path / "source.yaml"
    path.write_text("title: &t a\ncountry: *t\nformat: &f {kind: csv}\nparts: [*f, {<<: *f, header: 2}]\n")
    plain, second = Format(kind="csv"), Format(kind="csv", header=2)
    assert load_declaration(path, Example) == Example(title="a", country="a", format=plain, parts=[plain, second])


def test_a_folder_or_a_link_to_itself_is_no_declaration(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    for name in ("folder.yaml", "loop.yaml"):
        with pytest.raises(DeclarationError, match="The file cannot be read"):
            load_declaration(tmp_path / name, Example)


def test_a_value_of_another_shape_says_what_to_write(tmp_path: Path) -> None:
    assert faults(tmp_path, "title:\nformat: csv\nparts: csv\n") == [
        (1, "title", "Nothing stands here. Write what the key is for, or leave an optional key out."),
        (
            2,
            "format",
            "Keys with values were expected here, but the file says 'csv'. Write them under it: header, kind.",
        ),
        (3, "parts", "A list was expected, but the file says 'csv'. Write it in brackets: [one, another]."),
    ]


def test_an_empty_file_says_what_it_must_hold(tmp_path: Path) -> None:
    assert faults(tmp_path, "# nothing\n") == [(1, "", "The file holds no keys. Write at least: title, format.")]


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "source.yaml"
    path.write_bytes("title: Médiation".encode("cp1252"))
    with pytest.raises(DeclarationError, match="Byte 8 is not UTF-8. Save the file as UTF-8"):
        load_declaration(path, Example)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="The file is missing. Create source.yaml"):
        load_declaration(tmp_path / "source.yaml", Example)
