"""The tree of commands.

Belongs here: which commands there are, in the order a newcomer needs them. Does not belong here: what they do.
"""

import typer

from pipelines.cli import (
    approve,
    check,
    coverage,
    export,
    forget,
    past,
    publish,
    register,
    report,
    restore,
    review,
    rights,
    run,
    source,
    template,
    terms,
    today,
    trace,
    ui,
    versions,
)
from portal.commands import app as portal

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Partners' files in, versioned open datasets on CKAN out.\n\n"
    "Start with [bold]glane run[/bold]: it reads every partner's file, checks each row, merges what is right into one "
    "dataset per subject, and publishes a new version if anything changed.\n\n"
    "Exit codes: 0 done, 1 the data is wrong, 2 the call is wrong, 3 the world failed (network, portal, disk).",
)

app.command("run")(run.run)
app.command("check")(check.check)
app.add_typer(source.app, name="source")
app.command("template")(template.template)
app.command("report")(report.report)
app.command("terms")(terms.terms)
app.command("versions")(versions.versions)
app.command("diff")(versions.diff)
app.command("apply")(versions.apply)
app.command("verify")(versions.verify)
app.command("today")(today.today)
app.command("review")(review.review)
app.command("approve")(approve.approve)
app.command("trace")(trace.trace)
app.command("withdraw")(forget.withdraw)
app.command("forget")(forget.forget)
app.command("register")(register.register)
app.command("rights")(rights.rights)
app.command("export")(export.export)
app.command("coverage")(coverage.coverage)
app.command("publish")(publish.publish)
app.command("restore")(restore.restore)
app.command("derive")(past.derive)
app.command("prune")(past.prune)
app.add_typer(portal, name="portal")
app.command("ui")(ui.ui)
