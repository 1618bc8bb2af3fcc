"""The list of a dataset's versions as a page of HTML, for readers of the public store, where no portal keeps one.

Belongs here: that page. Does not belong here: where it is put and served (ckan/public_store.py). Programs read
versions.json beside it.
"""

from collections.abc import Sequence
from html import escape

from glane.text import LANGUAGES, Language
from publish.telling import day
from publish.telling import rows as rows_in
from publish.version import Listed
from schemas.dataset import Dataset

INDEX = "index.html"

_WORDS: dict[str, tuple[str, str]] = {
    "every": (
        "Chaque version, telle qu'elle a été publiée ; ces fichiers ne changent jamais.",
        "Every version, as it was published; these files never change.",
    ),
    "version": ("Version", "Version"),
    "rows": ("Lignes", "Rows"),
    "files": ("Fichiers", "Files"),
    "changed": ("ce qui change", "what changed"),
    "package": ("description (Data Package)", "description (Data Package)"),
    "hashes": ("empreintes SHA-256", "SHA-256 hashes"),
    "programs": ("La même liste, pour les programmes", "The same list, for programs"),
}
_PAGE = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
td, th {{ padding: .25rem 1rem .25rem 0; text-align: left; vertical-align: top }}
</style>
</head>
<body>
<h1>{title}</h1>
{sections}
</body>
</html>
"""


def index_page(dataset: Dataset, lines: Sequence[Listed]) -> bytes:
    """The page that lists `lines` (oldest first) newest first, in both languages; its links are relative, so that they
    are right wherever it is served."""
    title = " · ".join(dict.fromkeys(dataset.line.title[one] for one in LANGUAGES))
    sections = "\n".join(_section(dataset, lines, one) for one in LANGUAGES)
    return _PAGE.format(language=dataset.line.language, title=escape(title), sections=sections).encode()


def _section(dataset: Dataset, lines: Sequence[Listed], language: Language) -> str:
    heads = "".join(f'<th scope="col">{_say(word, language)}</th>' for word in ("version", "rows", "files"))
    rows = "\n".join(_row(dataset, line, language) for line in reversed(lines))
    return (
        f'<section lang="{language}">\n<p>{_say("every", language)} '
        f'<a href="versions.json">{_say("programs", language)}</a></p>\n'
        f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</section>"
    )


def _row(dataset: Dataset, line: Listed, language: Language) -> str:
    files = {
        f"changelog.{language}.md": _say("changed", language),
        "datapackage.json": _say("package", language),
        **{f"{dataset.name}-{table}.csv": f"{table} (CSV)" for table in line.rows},
        "manifest.json": _say("hashes", language),
    }
    links = ", ".join(f'<a href="{line.version}/{path}">{escape(text)}</a>' for path, text in files.items())
    counts = ", ".join(f"{escape(table)} : {rows_in(count, language)}" for table, count in line.rows.items())
    return f"<tr><td>{day(line.created, language)} ({line.version})</td><td>{counts}</td><td>{links}</td></tr>"


def _say(word: str, language: Language) -> str:
    return escape(_WORDS[word][LANGUAGES.index(language)])
