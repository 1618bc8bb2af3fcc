"""What a steward reads in Dagit beside assets and checks: counts, tables, the partner's report, links.

Belongs here: turning Glane's values into Dagster's metadata. Does not belong here: the values themselves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from glane.store import Store
from pipelines.intake import Intake
from pipelines.release import Merge, Publication, Release
from pipelines.traffic import Traffic
from publish.quality.page import page_path
from publish.version import path_of
from schemas.dataset import Dataset, Table
from schemas.personal.decisions import Outcome
from sources.declaration import Source

Shown = dict[str, Any]
Metadata = Mapping[str, Any]

_OWNER = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_MOST_PROBLEMS = 50
_MOST_TERMS = 50
_BECOMES: Mapping[Outcome, str] = {
    "publish": "published as decided",
    "role-address-only": "left out as decided",
    "mask": "covered as decided",
    "drop": "emptied as decided",
    "hold-field": "undecided: the field is held back",
    "hold-rows": "undecided: these rows are on hold",
}


@dataclass(frozen=True)
class Answer:
    """A check's answer, and why where there is something to say."""

    passed: bool
    reason: str | None = None


def owners(email: str | None) -> list[str]:
    """The owner of an asset; Dagster refuses to load one that it does not take for an address."""
    return [email] if email and _OWNER.fullmatch(email) else []


def counts(intake: Intake) -> str:
    """Rows in and what became of them, in one line."""
    found = intake.report.counts
    if found is None:
        return "not judged"
    since = f", unchanged since {intake.report.unchanged_since[:10]}" if intake.report.unchanged_since else ""
    return (
        f"{found.rows_in} rows in: {found.passed} may be published, {found.to_correct} to be corrected, "
        f"{found.on_hold} on hold{since}"
    )


def absent(intake: Intake) -> str:
    """The rows that are no longer in the file: since when, and when they leave."""
    return "; ".join(f"{one.rows} since {one.since}, leave on {one.leave_on}" for one in intake.report.absent)


def failures(failed: Sequence[Intake]) -> str:
    """Why a harvest is red: each failed source with its reason."""
    lines = [f"{intake.partner}: {intake.error}" for intake in failed]
    return f"{len(failed)} of the sources failed; the others are harvested.\n" + "\n".join(lines)


def conforms(intake: Intake) -> Answer:
    """Whether every row is right. Rows to be corrected warn: they are the partner's affair, the others go out."""
    if intake.error is not None:
        return Answer(False, str(intake.error))
    found = intake.report.counts
    if found is None or found.to_correct == 0:
        return Answer(True)
    return Answer(False, f"{found.to_correct} rows of {found.rows_in} are to be corrected: see the report.")


def complete(intake: Intake) -> Answer:
    """Whether the source was read whole and holds what its declaration lets expect."""
    if intake.error is not None:
        return Answer(False, str(intake.error))
    if intake.report.guards:
        return Answer(False, " ".join(outcome.said for outcome in intake.report.guards))
    return Answer(True, counts(intake))


def personal_data(intake: Intake) -> Answer:
    """Whether all that was found of persons is decided; what is not, is held back until somebody decides."""
    if intake.error is not None:
        return Answer(False, str(intake.error))
    found = intake.report.personal
    told = "; ".join(f"{one.field}: {one.kind} in {one.cells} cells, {_BECOMES[one.outcome]}" for one in found)
    if any(one.outcome in ("hold-field", "hold-rows") for one in found):
        return Answer(False, f"{told}. Decide under 'personal:' in source.yaml, or in dataset.yaml for all partners.")
    return Answer(True, told or "Nothing of persons was found in what may be published.")


def of_declaration(source: Source) -> Metadata:
    """What a source's declaration says of it."""
    line = source.line
    return {
        "declaration": dg.MetadataValue.path(str(source.folder / "source.yaml")),
        "organisation": line.organisation,
        "contact": f"{line.contact.role}{f' <{line.contact.email}>' if line.contact.email else ''}",
        "licence": line.licence,
        "attribution": line.attribution,
        "address": dg.MetadataValue.url(line.where.address) if line.where.base else line.where.address,
    }


def of_snapshot(intake: Intake, store: Store) -> Metadata:
    """The bytes that arrived."""
    snapshot = intake.snapshot
    if snapshot is None:
        return {}
    return {
        "address": dg.MetadataValue.url(snapshot.address) if "://" in snapshot.address else snapshot.address,
        "file": dg.MetadataValue.path(store.where(snapshot.key)),
        "sha256": snapshot.sha256,
        "bytes": snapshot.bytes,
        "changed": snapshot.changed,
        "decided by": snapshot.decided_by,
        "first received": snapshot.fetched_at,
    }


def of_rows(intake: Intake, table: Table | None, store: Store) -> Metadata:
    """Rows in, out and to be corrected with the reasons, and the partner's whole report."""
    found = intake.report.counts
    if found is None:
        return {}
    shown: Shown = {
        "dagster/row_count": found.passed,
        "rows in": found.rows_in,
        "to be corrected": found.to_correct,
        "on hold": found.on_hold,
        **({"unchanged since": intake.report.unchanged_since} if intake.report.unchanged_since else {}),
        **({"no longer in the file": absent(intake)} if intake.report.absent else {}),
        "warnings": intake.report.warnings,
        "what is wrong": problem_table(intake),
        "report": dg.MetadataValue.md(intake.markdown),
        "report file": dg.MetadataValue.path(store.where(f"reports/{intake.dataset}/{intake.partner}/latest.html")),
    }
    if table is not None:
        shown["dagster/column_schema"] = column_schema(table)
    return shown


def of_check(intake: Intake) -> Metadata:
    """What a check shows: the counts, the reasons, the report."""
    shown: Shown = {"report": dg.MetadataValue.md(intake.markdown)}
    if intake.report.counts is not None:
        shown |= intake.report.counts.model_dump()
    if intake.report.problems:
        shown["what is wrong"] = problem_table(intake)
    if intake.error is not None:
        shown |= {"reason": intake.error.what, "what to do": intake.error.remedy}
    if intake.report.stale_since is not None:
        shown |= {"stale since": intake.report.stale_since, "rows that stay": intake.report.last_good}
    return shown


def problem_table(intake: Intake) -> dg.MetadataValue:
    """The distinct problems, most frequent first."""
    records = [
        dg.TableRecord(
            {
                "rows": group.count,
                "severity": group.severity,
                "column": group.column or group.field or "",
                "what": group.message.en,
                "what to write": (group.suggestion or (group.remedy.en if group.remedy else "")),
                "first line": group.lines[0] if group.lines else 0,
            }
        )
        for group in intake.report.problems[:_MOST_PROBLEMS]
    ]
    columns = [
        dg.TableColumn("rows", "int"),
        dg.TableColumn("severity", "string"),
        dg.TableColumn("column", "string"),
        dg.TableColumn("what", "string"),
        dg.TableColumn("what to write", "string"),
        dg.TableColumn("first line", "int"),
    ]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def column_schema(table: Table) -> dg.TableSchema:
    """The fields of a table as Dagit shows columns."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                field["name"],
                field.get("type", "string"),
                description=field.get("title") or field.get("description"),
                constraints=dg.TableColumnConstraints(
                    nullable=not field.get("constraints", {}).get("required", False),
                    unique=bool(field.get("constraints", {}).get("unique", False)),
                ),
            )
            for field in table.schema["fields"]
        ]
    )


def of_merge(merge: Merge) -> Metadata:
    """Where every partner's rows went."""
    columns = ("partner", "table", "rows_in", "absent", "to_correct", "on_hold", "published", "merged", "held")
    records = [dg.TableRecord({name: getattr(line, name) for name in columns}) for line in merge.accounts.partners]
    types = ["string", "string", *("int" for _ in columns[2:])]
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in zip(columns, types, strict=True)])
    shown: Shown = {
        "dagster/row_count": sum(merge.accounts.rows.values()),
        "merged into another": sum(line.merged for line in merge.accounts.partners),
        "accounts": dg.MetadataValue.table(records, schema=schema),
    }
    if merge.rejected:
        shown["terms that no list knows"] = rejected_table(merge)
    if merge.rules:
        shown["what the rules found"] = rules_table(merge)
    if merge.refused:
        shown["refused"] = "\n".join(f"{refusal.partner}: {refusal.reason.en}" for refusal in merge.refused)
    return shown


def rejected_table(merge: Merge) -> dg.MetadataValue:
    """The terms that partners write and the vocabulary lacks, most frequent first."""
    records = [
        dg.TableRecord(
            {
                "count": term.count,
                "field": term.field,
                "term": term.term,
                "offered instead": term.nearest or "",
                "partners": ", ".join(term.partners),
                "since": term.since[:10],
            }
        )
        for term in merge.rejected[:_MOST_TERMS]
    ]
    names = ("count", "field", "term", "offered instead", "partners", "since")
    columns = [dg.TableColumn(name, "int" if name == "count" else "string") for name in names]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def rules_table(merge: Merge) -> dg.MetadataValue:
    """How often each rule spoke about each partner's rows."""
    records = [
        dg.TableRecord({"partner": partner, "rule": line.rule, "severity": line.severity, "count": line.count})
        for partner, lines in merge.rules.items()
        for line in lines
    ]
    names = ("partner", "rule", "severity", "count")
    columns = [dg.TableColumn(name, "int" if name == "count" else "string") for name in names]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def of_release(release: Release, dataset: Dataset, store: Store) -> Metadata:
    """The version that stands, and what it changed."""
    version = release.version
    shown: Shown = {
        "version": version.version,
        "created": version.created,
        "new": release.built.new,
        "dagster/row_count": sum(version.rows.values()),
        **{f"rows in {table}": count for table, count in version.rows.items()},
        "folder": dg.MetadataValue.path(store.where(version.key)),
        "dagster/column_schema": column_schema(dataset.main),
    }
    if release.built.warnings:
        shown["to look at"] = " ".join(release.built.warnings)
    changelog = next((file for file in version.files if file.path == "changelog.en.md"), None)
    if changelog is not None:
        shown["changelog"] = dg.MetadataValue.md(path_of(store, version, changelog).read_text(encoding="utf-8"))
    quality = page_path("en")
    if any(file.path == quality for file in version.files):
        shown["quality page"] = dg.MetadataValue.path(store.where(f"{version.key}/{quality}"))
    return shown


def of_bytes(moved: Traffic, kept: Mapping[str, int]) -> Metadata:
    """What a step wrote to the store, and what the store keeps of the dataset."""
    return {"bytes written": moved.written, **{f"bytes kept in {kind}": count for kind, count in kept.items()}}


def of_publication(publication: Publication) -> Metadata:
    """The page on the portal, and what was moved to bring it up to date."""
    receipt = publication.receipt
    shown: Shown = {
        "page": dg.MetadataValue.url(receipt.url),
        "version": receipt.version,
        "unchanged": receipt.unchanged,
        "bytes sent": receipt.sent_in_all,
        "bytes of files sent": receipt.sent_bytes,
    }
    if receipt.omitted:
        shown["files that the portal did not take"] = ", ".join(receipt.omitted)
    if receipt.dropped:
        shown["fields that the portal did not keep"] = ", ".join(receipt.dropped)
    return shown
