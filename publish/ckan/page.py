"""One page of ours on a portal: looking it up, and changing it in one step.

Belongs here: what every publisher of a page does alike. Does not belong here: which page and what stands on it
(publication.py, departments.py, archive.py), single calls (api.py).
"""

from collections.abc import Callable, Mapping
from typing import Any

from publish.ckan.api import Api
from publish.ckan.faults import AGAIN, BusyError, RefusedError, deleted


def find_page(api: Api, name: str) -> dict[str, Any] | None:
    """The page called `name` as package_show gives it; None where there is none. Raises PortalError for one that
    somebody deleted."""
    page: dict[str, Any] | None = api.find("package_show", id=name)
    if page is not None and page.get("state") == "deleted":
        raise deleted(name)
    return page


def revise_page(
    api: Api, name: str, data: Mapping[str, Any], arrived: Callable[[Mapping[str, Any]], bool], called: str
) -> dict[str, Any]:
    """One package_revise of the page `name`, all or nothing; gives the page as it is then.

    `arrived` tells by the page whether a call whose answer was lost was done. Raises BusyError, which names the page as
    `called`, if it is not as it was when we looked.
    """

    def done() -> dict[str, Any] | None:
        now = find_page(api, name)
        return {"package": now} if now is not None and arrived(now) else None

    try:
        answer: dict[str, Any] = api.write("package_revise", data, done=done)
    except RefusedError as error:
        if not error.unmatched:
            raise
        raise BusyError(f"Somebody changed {called} just now.", AGAIN) from error
    found: dict[str, Any] = answer["package"]
    return found
