"""Small nasty files: every type, odd values, odd quoting, odd shapes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conform.comparing import Case

BLANKS = ["", " ", "NA", "-"]
CELLS: dict[str, list[str]] = {
    "string": ["a", "b", "abc", "é", "é́", "😀😀", "a\nb", "a,b", 'a"b', " a ", "ab\n", "abcde", "None", "x" * 70],
    "email": ["a@b.fr", "a.b-c@d-e.fr", "a@b", "@b.fr", "é@b.fr", "a b@c.fr", "A@B.FR", "a@b.c", "a@b--c.fr"],
    "uri": [
        "http://a.fr",
        "https://www.a-b.fr/x?y=1#z",
        "a.fr",
        "mailto:x",
        "http://",
        "ftp://é",
        "http://a.fr/%zz",
        "http://a_b.fr",
        "://",
    ],
    "uuid": [
        "6e2c1f7e-9d2c-4d7c-8a43-0f6c3d1a9b11",
        "6E2C1F7E-9D2C-4D7C-8A43-0F6C3D1A9B11",
        "6e2c1f7e9d2c4d7c8a430f6c3d1a9b11",
        "x",
    ],
    "binary": ["YQ==", "YQ=", "é", "a"],
    "integer": [
        "1",
        "0",
        "-0",
        "100",
        "101",
        "-1",
        " 5 ",
        "+7",
        "007",
        "1_0",
        "٣",
        "1.0",
        "1e1",
        "\u00a05",
        "9" * 30,
        "0x1F",
        "12€",
        "9223372036854775808",
    ],
    "number": [
        "1",
        "1.5",
        "-1.5",
        "-1.50000000001",
        "1000",
        "1000.0000000000001",
        "nan",
        "NaN",
        "Infinity",
        "-inf",
        "1e2",
        "1E-3",
        ".5",
        "5.",
        " 2",
        "1_0",
        "1,5",
        "1 000,5",
        "٣.٥",
        "0x10",
        "+.5",
        "12€",
        "1e999",
        "1.50",
        "1\u00a0000",
    ],
    "boolean": ["true", "True", "1", "0", "yes", "TRUE ", "oui", "FALSE"],
    "date": [
        "2024-01-02",
        "2024-1-2",
        "2024-02-30",
        "2023-02-29",
        "2024-02-29",
        "0000-01-01",
        "0001-01-01",
        " 2024-01-02",
        "2024-01-02 ",
        "20240102",
        "9999-12-31",
        "2024- 1-02",
        "02/01/2024",
        "1999-12-31",
        "2024-04-31",
    ],
    "datetime": [
        "2024-01-02T03:04:05Z",
        "2024-01-02T03:04:05",
        "2024-01-02T24:00:00Z",
        "2024-01-02 03:04:05",
        "2024-01-02T03:04:60Z",
        "2024-01-02T03:04:05.123456Z",
        "2024-01-02T03:04:05+02:00",
        "2024-01-02T03:04:05+14:00",
        "2024-01-02T03:04Z",
        "2024-02-30T03:04:05Z",
        "2024-01-02T03:04:05+25:00",
        "2024-01-02T01:04:05Z",
    ],
    "time": ["03:04:05", "24:00:00", "03:04:05Z", "3:04:05", "03:04", "23:59:59.5"],
    "year": ["2024", " 202", "20a4", "-202", "0000", "20 4", "12345", "٢٠٢٤", "1949"],
    "yearmonth": ["2024-01", "2024-13", "2024-1", "202401", "-1-1"],
    "duration": ["P1Y", "PT1H", "P", "1D", "P1D"],
    "geopoint": ["1,2", "181,0", "0,91", "a,b", " 1 , 2 ", "[1,2]", '{"lon":1,"lat":2}', "nan,1"],
    "geojson": ['{"type":"Point","coordinates":[1,2]}', '{"type":"Nope"}', "[1]", "x"],
    "object": ['{"a":1}', "[1]", "x", "{}", '{"a":1,"b":2}'],
    "array": ["[1]", "{}", "x", "[]", '["a","b"]', "[1,2,3]"],
    "list": ["1|2", "1|a", "1", "|", "a,b", "1,2"],
    "any": ["z", " ", "1", "é"],
}
FORMATS: dict[str, list[str]] = {
    "string": ["default", "email", "uri", "uuid", "binary"],
    "date": ["default", "any", "%d/%m/%Y"],
    "datetime": ["default", "any"],
    "time": ["default", "any"],
    "geopoint": ["default", "array", "object"],
}
PATTERNS = [
    r"\d{3}|[A-C]+",
    r"(?:(?:^|\|)(é|b c|a))+$",
    "[a-z]*",
    ".{2,4}",
    r"a{,2}",
    r"[^a]+",
    r"\w+",
    r"(?i)a",
    "a$",
    r"\s?a\s?",
    r"(a|ab)(c|bcd)?",
]
BOUNDS: dict[str, list[Any]] = {
    "integer": [0, 100, -1, 5],
    "number": [0, -1.5, 1000, 0.1],
    "date": ["2024-01-02", "2000-01-01", "0999-01-01"],
    "datetime": ["2024-01-02T03:04:05Z"],
    "time": ["03:04:05"],
    "year": [1950, 2024],
    "yearmonth": ["2024-01"],
}
ENUMS: dict[str, list[list[Any]]] = {
    "string": [["a", "b "], ["abc"]],
    "integer": [["1", "5"]],
    "number": [["1.5", "1000"]],
    "date": [["2024-01-02"]],
    "year": [["2024"]],
    "any": [["z", "1"]],
    "boolean": [["true"]],
}
TYPES = sorted(set(CELLS) - {"email", "uri", "uuid", "binary"})
HASHABLE = [name for name in TYPES if name not in ("geojson", "object", "array", "list", "duration")]


@st.composite
def fields(draw: st.DrawFn, name: str, types: list[str] = TYPES) -> dict[str, Any]:
    """A field, with the constraints its type may have."""
    kind = draw(st.sampled_from(types))
    field: dict[str, Any] = {"name": name, "type": kind}
    if kind in FORMATS and draw(st.integers(0, 2)) == 0:
        field["format"] = draw(st.sampled_from(FORMATS[kind]))
    if kind in ("integer", "number") and draw(st.integers(0, 5)) == 0:
        field["bareNumber"] = False
    if kind == "number" and draw(st.integers(0, 3)) == 0:
        field |= draw(
            st.sampled_from(
                [
                    {"decimalChar": ","},
                    {"decimalChar": ",", "groupChar": " "},
                    {"groupChar": ","},
                    {"decimalChar": ",", "groupChar": "."},
                    {"floatNumber": True},
                ]
            )
        )
    if kind == "boolean" and draw(st.integers(0, 3)) == 0:
        field |= {"trueValues": ["oui"], "falseValues": ["non", "0"]}
    if kind == "list":
        field |= draw(st.sampled_from([{}, {"delimiter": "|"}, {"delimiter": "|", "itemType": "integer"}]))
    if kind == "array" and draw(st.booleans()):
        field["arrayItem"] = {"type": "integer", "constraints": {"maximum": 2}}
    if draw(st.integers(0, 5)) == 0:
        field["missingValues"] = draw(st.sampled_from([["NA"], ["", "1"], [], ["None", ""]]))
    constraints: dict[str, Any] = {}
    if draw(st.integers(0, 2)) == 0:
        constraints["required"] = draw(st.booleans())
    if kind == "string":
        if draw(st.integers(0, 3)) == 0:
            constraints["pattern"] = draw(st.sampled_from(PATTERNS))
        if draw(st.integers(0, 4)) == 0:
            constraints["minLength"] = draw(st.integers(0, 3))
        if draw(st.integers(0, 4)) == 0:
            constraints["maxLength"] = draw(st.integers(1, 4))
    if kind in BOUNDS and draw(st.integers(0, 2)) == 0:
        for bound in draw(
            st.lists(
                st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
                min_size=1,
                max_size=2,
                unique=True,
            )
        ):
            constraints[bound] = draw(st.sampled_from(BOUNDS[kind]))
    if kind in ENUMS and draw(st.integers(0, 5)) == 0:
        constraints["enum"] = draw(st.sampled_from(ENUMS[kind]))
    if constraints:
        field["constraints"] = constraints
    return field


@st.composite
def schemas(draw: st.DrawFn, types: list[str] = TYPES, least: int = 1, most: int = 5) -> dict[str, Any]:
    count = draw(st.integers(least, most))
    schema: dict[str, Any] = {"fields": [draw(fields(f"f{number}", types)) for number in range(count)]}
    if draw(st.integers(0, 3)) == 0:
        schema["missingValues"] = draw(st.sampled_from([["", "NA"], ["-"], ["", " ", "a"], ["", "1"]]))
    if any("exclusive" in name for field in schema["fields"] for name in field.get("constraints", {})):
        schema["$schema"] = "https://datapackage.org/profiles/2.0/tableschema.json"
    return schema


def cells_of(field: dict[str, Any]) -> list[str]:
    kind = field["type"]
    by_format = field.get("format", "default")
    return CELLS[by_format if by_format in CELLS else kind] + BLANKS


@st.composite
def tables(draw: st.DrawFn, schema: dict[str, Any], most: int = 12, tidy: float = 0.6) -> list[list[str]]:
    """Rows of cells: mostly the first few values of each type, now and then anything; now and then ragged."""
    pools = [cells_of(field) for field in schema["fields"]]
    rows: list[list[str]] = []
    for _ in range(draw(st.integers(0, most))):
        good = draw(st.integers(0, 9)) < tidy * 10
        row = [draw(st.sampled_from(pool[:3] if good else pool)) for pool in pools]
        shape = draw(st.integers(0, 24))
        if shape == 0:
            row = row[: draw(st.integers(0, len(row)))]
        elif shape == 1:
            row += ["x"] * draw(st.integers(1, 2))
        elif shape == 2:
            row = [draw(st.sampled_from(["", "NA"]))] * len(row)
        elif shape == 3:
            row = []
        rows.append(row)
    return rows


@st.composite
def texts(draw: st.DrawFn, header: list[str], rows: list[list[str]], delimiter: str = ",") -> bytes:
    """The rows written as CSV: quoted or not, with either line end, with a BOM, now and then malformed."""
    line_end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    quoting = draw(st.sampled_from([0, 0, 1, 2]))
    lines = [delimiter.join(_written(cell, delimiter, quoting == 2) for cell in header)]
    for row in rows:
        quoted = [quoting == 2 or (quoting == 1 and draw(st.booleans())) for _ in row]
        cells = [_written(cell, delimiter, of_cell) for cell, of_cell in zip(row, quoted, strict=True)]
        lines.append(delimiter.join(cells))
    text = line_end.join(lines)
    if draw(st.integers(0, 4)):
        text += line_end
    oddity = draw(st.integers(0, 60))
    if oddity == 0:
        text += draw(
            st.sampled_from(
                ['a"b\n', '"a"b\n', '"a\n', "a\rb\n", "a\0b\n", "\r\n\r\n", "\n\n", '""""\n', ' "a"\n', "\ufeff\n"]
            )
        )
    data = text.encode()
    if oddity == 1:
        data += b"\xff\n"
    if draw(st.integers(0, 9)) == 0:
        data = b"\xef\xbb\xbf" + data
    return data


def _written(cell: str, delimiter: str, quoted: bool) -> str:
    if quoted or any(character in cell for character in (delimiter, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@st.composite
def cases(draw: st.DrawFn, types: list[str] = TYPES, least: int = 2) -> Case:
    """Any small file under any small schema."""
    schema = draw(schemas(types, least))
    rows = draw(tables(schema))
    header = [field["name"] for field in schema["fields"]]
    if draw(st.integers(0, 9)) == 0:
        header, schema = draw(odd_headers(header, schema))
    delimiter = draw(st.sampled_from([",", ",", ",", ";", "\t", "|"]))
    data = draw(texts(header, rows, delimiter))
    return Case(data, schema, limit=draw(st.sampled_from([None, None, None, 1, 3])))


@st.composite
def odd_headers(draw: st.DrawFn, header: list[str], schema: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    header = list(header)
    change = draw(st.sampled_from(["none", "less", "more", "other", "blank", "twice", "upper", "reverse"]))
    if change == "less":
        header.pop()
    elif change == "more":
        header.append(draw(st.sampled_from(["zz", "f0", ""])))
    elif change == "other":
        header[0] = "other"
    elif change == "blank":
        header[-1] = ""
    elif change == "twice":
        header[-1] = header[0]
    elif change == "upper":
        header[0] = header[0].upper()
    elif change == "reverse":
        header.reverse()
    mode = draw(st.sampled_from([None, "exact", "equal", "subset", "superset", "partial"]))
    return header, schema | ({"fieldsMatch": mode} if mode else {})


@st.composite
def keyed_cases(draw: st.DrawFn) -> Case:
    """Files under unique fields and primary keys, of one field or several, of any type that can be a key."""
    schema = draw(schemas(HASHABLE, 2, 4))
    names = [field["name"] for field in schema["fields"]]
    for field in schema["fields"]:
        if draw(st.integers(0, 2)) == 0:
            field.setdefault("constraints", {})["unique"] = True
    if draw(st.integers(0, 3)):
        schema["primaryKey"] = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    rows = draw(tables(schema, 20))
    data = draw(texts(names, rows))
    return Case(data, schema, limit=draw(st.sampled_from([None, None, None, 2])))


@st.composite
def referring_cases(draw: st.DrawFn) -> Case:
    """Files whose foreign keys lead to themselves or to another file.

    Without exclusive bounds: frictionless refuses them in a table that is referred to (docs/validation.md).
    """
    schema = draw(schemas(HASHABLE, 2, 4))
    names = [field["name"] for field in schema["fields"]]
    other = draw(schemas(HASHABLE, 2, 3)) if draw(st.booleans()) else dict(schema, primaryKey=[])
    other.pop("primaryKey", None)
    for described in (schema, other):
        described.pop("$schema", None)
        for field in described["fields"]:
            for bound in ("exclusiveMinimum", "exclusiveMaximum"):
                field.get("constraints", {}).pop(bound, None)
    other_names = [field["name"] for field in other["fields"]]
    keys = []
    for _ in range(draw(st.integers(1, 2))):
        size = draw(st.integers(1, min(2, len(other_names))))
        table = draw(st.sampled_from(["", "other", "other", "other"]))
        there = draw(st.permutations(names if table == "" else other_names))[:size]
        keys.append({"fields": draw(st.permutations(names))[:size], "reference": {"resource": table, "fields": there}})
    schema["foreignKeys"] = keys
    if draw(st.booleans()):
        schema["primaryKey"] = names[0]
    data = draw(texts(names, draw(tables(schema, 12))))
    foreign = draw(texts(other_names, draw(tables(other, 8))))
    return Case(data, schema, foreign={"other": (foreign, other if draw(st.integers(0, 4)) else None)})
