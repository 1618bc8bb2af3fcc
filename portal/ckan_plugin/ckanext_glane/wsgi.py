"""The portal's WSGI application: CKAN, prepared for its first use if need be.

GLANE_PORTAL_SETTINGS names the settings file, GLANE_PORTAL_HOME the folder that the accounts' secrets go to, and
GLANE_PORTAL_NAMES, as JSON, what the organisation and the accounts are called.
"""

import json
import os
from logging.config import fileConfig
from pathlib import Path

# It brings libmagic, and must be there before CKAN asks the system for one.
import pylibmagic  # noqa: F401
from ckan.cli import CKANConfigLoader
from ckan.common import config
from ckan.config.middleware import make_app

from ckanext_glane.prepare import prepare

_settings = os.environ["GLANE_PORTAL_SETTINGS"]
fileConfig(_settings, disable_existing_loggers=False)
application = make_app(CKANConfigLoader(_settings).get_config())
_home = Path(os.environ["GLANE_PORTAL_HOME"])
prepare(application, _home, json.loads(os.environ["GLANE_PORTAL_NAMES"]))
if "xloader" in config["ckan.plugins"]:
    # It signs its jobs with a sysadmin's token, which was not there yet when the settings were written.
    config["ckanext.xloader.api_token"] = (_home / "sysadmin.token").read_text("utf-8").strip()
