"""The portal's WSGI application: CKAN, prepared for its first use if need be.

The settings file is named by GLANE_PORTAL_SETTINGS; the accounts' files go where GLANE_PORTAL_HOME says.
"""

import os
from logging.config import fileConfig
from pathlib import Path

# It brings libmagic, and must be there before CKAN asks the system for one.
import pylibmagic  # noqa: F401
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app

from ckanext_glane.prepare import prepare

_settings = os.environ["GLANE_PORTAL_SETTINGS"]
fileConfig(_settings, disable_existing_loggers=False)
application = make_app(CKANConfigLoader(_settings).get_config())
prepare(application, Path(os.environ["GLANE_PORTAL_HOME"]))
