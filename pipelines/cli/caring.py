"""`glane publish --check` and `--rebuild`: looking at a portal before use, and healing one.

Belongs here: what is printed, and the exit code. Does not belong here: looking and healing (publish/ckan).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from glane.errors import GlaneError
from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.cli.say import err, out, print_json, size
from pipelines.release import usable
from pipelines.settings import PortalSettings
from publish.ckan.address import read_address

_STATES = {"ok": "[green]ok     [/]", "look": "[yellow]look at[/]", "no": "[red]FAILS  [/]"}


def check_portal(chosen: Mapping[str, Entry], store: Store, portal: PortalSettings, *, as_json: bool) -> int:
    """Say what publishing the chosen datasets on `portal` would meet; 3 if it would fail, else 0. Writes nothing."""
    from rich.markup import escape

    from publish.ckan.probe import probe
    from publish.version import current

    address = read_address(portal.url, portal.token_file, portal.organisation, portal.public_store)
    found = {name: probe(usable(entry), current(store, name), address, store=store) for name, entry in chosen.items()}
    if as_json:
        print_json({name: [asdict(finding) for finding in findings] for name, findings in found.items()})
    for name, findings in found.items() if not as_json else ():
        out().print(f"[bold]{escape(name)}[/] on {escape(portal.url)}")
        for finding in findings:
            remedy = f" {finding.remedy}" if finding.remedy else ""
            out().print(f"  {_STATES[finding.state]} {finding.subject:10}  {escape(finding.what + remedy)}")
    return 3 if any(finding.state == "no" for findings in found.values() for finding in findings) else 0


def rebuild_portal(chosen: Mapping[str, Entry], store: Store, portal: PortalSettings, *, as_json: bool) -> int:
    """Bring every version of the chosen datasets to `portal`; the worst exit code. One that fails stops no other."""
    from pipelines.traffic import Traffic, note
    from publish.ckan.rebuild import rebuild

    address = read_address(portal.url, portal.token_file, portal.organisation, portal.public_store)
    told: list[dict[str, Any]] = []
    codes = [0]
    for name, entry in chosen.items():
        try:
            done = rebuild(usable(entry), store, address, lambda line: err().print(line, markup=False))
        except GlaneError as error:
            codes.append(error.exit_code)
            told.append({"dataset": name, "problem": str(error)})
            err().print(f"{name}  FAILED  {error}", markup=False)
            continue
        note(store, name, Traffic(sent=done.sent_in_all))
        told.append({"dataset": name, "page": done.receipt.url, "version": done.receipt.version, "problem": None})
        told[-1] |= {"older_versions": list(done.versions), "files_sent": done.sent, "bytes_sent": done.sent_bytes}
        if not as_json:
            older = f"{len(done.versions)} older versions brought or mended, {size(done.sent_bytes)} uploaded"
            out().print(f"{name}  {done.receipt.version}  {done.receipt.url}  ({older})", markup=False)
    if as_json:
        print_json(told)
    return max(codes)
