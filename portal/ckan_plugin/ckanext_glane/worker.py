"""The portal's worker: `ckan jobs worker` with the portal's settings, for what its loader puts off.

GLANE_PORTAL_SETTINGS names the settings file.
"""

import os

# It brings libmagic, and must be there before CKAN asks the system for one.
import pylibmagic  # noqa: F401
from ckan.cli.cli import ckan

if __name__ == "__main__":
    ckan(["-c", os.environ["GLANE_PORTAL_SETTINGS"], "jobs", "worker"])
