"""What can go wrong with a portal, each with what to do.

Belongs here: the errors of ckan/ and the translation of a portal's answers into them. Does not belong here: calling
(api.py).
"""

from typing import Any

from glane.errors import WorldError

AGAIN = "Run the same command again: it goes on from where it stopped, and readers still see the last version."


class PortalError(WorldError):
    """The portal did not do what was asked. Nothing half-published is visible."""


class NoAnswerError(PortalError):
    """The portal did not answer, or not as CKAN does; whether it did the work is not known."""


class UntouchedError(NoAnswerError):
    """The portal did nothing: the call may be repeated, after `wait` seconds if it says so."""

    wait: float | None = None


class NotCkanError(PortalError):
    """What answers at the address is no CKAN: another site, or another part of the right one."""


class RightsError(PortalError):
    """The portal refuses the token, or the token may not do this."""


class NotThereError(PortalError):
    """What was asked for is not on the portal."""


class RefusedError(PortalError):
    """The portal judged what was sent and refused it; `reasons` are its own words, by field."""

    def __init__(self, what: str, remedy: str, reasons: dict[str, Any]) -> None:
        super().__init__(what, remedy)
        self.reasons = reasons

    @property
    def unmatched(self) -> bool:
        """Whether a `match` failed: the dataset is not as it was when we looked."""
        return "match" in self.reasons


class TooLargeError(RefusedError):
    """A file is larger than the portal takes."""


class BusyError(PortalError):
    """Another publisher is at work on this dataset."""


class ReadBackError(PortalError):
    """The portal serves other bytes than were sent."""


_TOO_LARGE = ("upload too large", "too large (413)", "size too large", "max allowed size", "exceeds expected size")
"""What a CKAN says of a file above ckan.max_resource_size: its own words, a gateway's, and those of its storages."""


def refused(url: str, action: str, reasons: dict[str, Any]) -> RefusedError:
    """The error for a portal's validation error."""
    words = {key: value for key, value in reasons.items() if key != "__type"}
    text = str(words)
    if any(sign in text for sign in _TOO_LARGE):
        return TooLargeError(
            f"{url} refuses a file as too large ({action}).",
            "Ask its administrator to raise ckan.max_resource_size, leave out formats in dataset.yaml, or set `files: "
            "store` there: then the files stay in a public store, and the portal links to them, whatever their size.",
            words,
        )
    if "match" in words:
        return RefusedError(f"The dataset changed on {url} while we worked ({action}).", AGAIN, words)
    return RefusedError(
        f"{url} refuses what was sent ({action}): {_short(words)}.", "Correct what it names, then run again.", words
    )


def rights(url: str, action: str) -> RightsError:
    """The error for a 403."""
    return RightsError(
        f"{url} does not let this token do {action}.",
        "Check that the token is whole, has not expired, and belongs to an editor of the organisation "
        "(GLANE_PORTAL_TOKEN_FILE).",
    )


def failed(url: str, action: str, status: int, body: str) -> PortalError:
    """The error for an answer that is not CKAN's: a 500 with a page of HTML, a gateway's 502, another site's page."""
    title = body.split("<title>", 1)[1].split("</title>", 1)[0] if "<title>" in body else body
    said = " ".join(title.split())[:120]
    if status in (200, 404, 405, 410):
        return NotCkanError(
            f"What answers at {url} is no CKAN: {status} to {action}{f' ({said})' if said else ''}.",
            f"Is this the address of a CKAN (GLANE_PORTAL, --to)? Then {url}/api/3/action/status_show answers.",
        )
    return NoAnswerError(
        f"{url} answered {status} to {action}{f' ({said})' if said else ''}.",
        f"See the portal's own log. {AGAIN}",
    )


def deleted(name: str) -> PortalError:
    """The error for a page of ours that somebody deleted."""
    return PortalError(
        f"The dataset {name} was deleted on the portal.",
        "If that was meant, stop publishing it; if not, restore or purge it there, then run again.",
    )


def _short(words: dict[str, Any]) -> str:
    text = "; ".join(f"{key}: {value}" for key, value in words.items())
    return text if len(text) <= 300 else f"{text[:300]}…"
