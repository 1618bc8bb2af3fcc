"""The one door from pipelines/ to portal/: where the embedded portal is, if it runs.

Belongs here: asking the embedded portal for its address and its editor's token. Does not belong here: starting or
stopping it (`glane portal`).
"""

from pipelines.settings import PortalSettings, Settings


def find_portal(settings: Settings) -> PortalSettings | None:
    """The portal to publish on: the one that the environment names, else the embedded one if it runs, else none."""
    if settings.portal is not None:
        return settings.portal
    from glane.errors import WorldError
    from portal.embedded import status
    from portal.interpreter import default_home

    try:
        known = status(default_home())
    except WorldError:
        # The embedded portal is not installed here: then it does not run either.
        return None
    if not (known.running and known.url):
        return None
    return PortalSettings(known.url, known.token_file, known.organisation, settings.public_store)
