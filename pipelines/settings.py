"""Where things are: the store, the declarations, Dagster's home, the portal; from the environment, with defaults.

Belongs here: the names of the environment's variables and what they default to. Does not belong here: what is in
those places, nor how the embedded portal is found (pipelines/cli/embedded.py, the one door to portal/).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glane.errors import CallError
from glane.store import read_place
from pipelines.mail.settings import SmtpSettings, smtp_settings

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class PortalSettings:
    """A portal to publish on: its address, the file that holds an editor's token, the organisation that publishes
    (None where the token has only one), and where its readers find the store's versions (None: nowhere but there)."""

    url: str
    token_file: Path
    organisation: str | None = None
    public_store: str | None = None


@dataclass(frozen=True)
class Settings:
    """Every place Glane reads or writes, as absolute paths. `store` is a folder or the address of a bucket (see
    glane.store.open_store), `portal` None where the environment names none. `run_days` are the days for which Dagster's
    runs are kept, `smtp` the server that mails the partners' answers, None where the environment names none."""

    store: Path | str
    sources: Path
    schemas: Path
    dagster_home: Path
    portal: PortalSettings | None = None
    public_store: str | None = None
    run_days: int = 90
    smtp: SmtpSettings | None = None


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environment` (the process's own by default).

    GLANE_STORE (data/ of the checkout; a folder or s3://bucket/prefix), GLANE_SOURCES (sources/), GLANE_SCHEMAS
    (schemas/), DAGSTER_HOME (.dagster/); a relative path counts from the current folder. GLANE_PORTAL and
    GLANE_PORTAL_TOKEN_FILE go together; GLANE_PORTAL_ORGANISATION is needed only where the token may publish in
    several. GLANE_STORE_PUBLIC_URL is the address under which readers find the store's folder versions/, for datasets
    that are declared `files: store`. GLANE_RUN_DAYS (90) says how long Dagster's runs are kept. GLANE_SMTP_... name a
    mail server (pipelines/mail/settings.py). Raises CallError for a store that is no place, a root of declarations that
    is no folder, a portal without a token or an address, or a mail server that cannot be used so.
    """
    known = os.environ if environment is None else environment

    def place(variable: str, default: str) -> Path:
        # The default counts from the checkout, so that Dagster's processes find the same store from wherever they run.
        given = known.get(variable)
        return Path(given).expanduser().absolute() if given else CHECKOUT / default

    return Settings(
        store=read_place(known.get("GLANE_STORE") or str(CHECKOUT / "data")),
        sources=_folder(place("GLANE_SOURCES", "sources"), "GLANE_SOURCES"),
        schemas=_folder(place("GLANE_SCHEMAS", "schemas"), "GLANE_SCHEMAS"),
        dagster_home=place("DAGSTER_HOME", ".dagster"),
        portal=_portal(
            known.get("GLANE_PORTAL"),
            known.get("GLANE_PORTAL_TOKEN_FILE"),
            known.get("GLANE_PORTAL_ORGANISATION") or None,
            known.get("GLANE_STORE_PUBLIC_URL") or None,
        ),
        public_store=known.get("GLANE_STORE_PUBLIC_URL") or None,
        run_days=_days(known.get("GLANE_RUN_DAYS") or "90"),
        smtp=smtp_settings(known),
    )


def _days(written: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,4}", written):
        raise CallError(f"GLANE_RUN_DAYS is {written!r}, which is no number of days.", "Write it as 90.")
    return int(written)


def _folder(path: Path, variable: str) -> Path:
    if not path.is_dir():
        raise CallError(f"{variable} names {path}, which is no folder.", "Name the folder that holds the declarations.")
    return path


def _portal(
    url: str | None, token_file: str | None, organisation: str | None, public_store: str | None
) -> PortalSettings | None:
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise CallError(f"GLANE_PORTAL is {url!r}, which is no address.", "Write it whole: https://data.example.org")
    if not token_file:
        raise CallError(
            "GLANE_PORTAL names a portal, but no token to publish with.",
            "Set GLANE_PORTAL_TOKEN_FILE to a file that holds an organisation editor's API token.",
        )
    return PortalSettings(url.rstrip("/"), Path(token_file).expanduser().absolute(), organisation, public_store)
