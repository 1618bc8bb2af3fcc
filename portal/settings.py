"""What CKAN, PostgreSQL and the web server are told: the text of their settings, and nothing done with it.

Belongs here: pure functions from values to text and command lines. Does not belong here: writing files or starting
processes (portal/supervisor.py), the portal's own folder (portal/home.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from portal.interpreter import Environment

PLUGINS = "glane_search activity datastore text_view image_view datatables_view dcat"
LOADER = "xloader"
VIEWS = "image_view text_view datatables_view"
MAX_RESOURCE_MEGABYTES = 500
ROLES_SQL = """\
CREATE ROLE ckan LOGIN;
CREATE ROLE datastore_reader LOGIN;
CREATE DATABASE ckan OWNER ckan;
CREATE DATABASE datastore OWNER ckan;
"""

_LOGGING = """\
[loggers]
keys = root, ckan

[handlers]
keys = console

[formatters]
keys = plain

[logger_root]
level = WARNING
handlers = console

[logger_ckan]
level = WARNING
handlers = console
qualname = ckan
propagate = 0

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain

[formatter_plain]
format = %(asctime)s %(levelname)s [%(name)s] %(message)s
"""
# CKAN knows no French licence: a list of ours, with the five that our datasets are published under.
_LICENCES = Path(__file__).parent / "licences.json"


def site_url(port: int) -> str:
    """The address of a portal: CKAN builds every link from it."""
    return f"http://127.0.0.1:{port}"


def ckan_settings(
    port: int, runtime: Path, storage: Path, keys: Mapping[str, str], plugins: str = PLUGINS, *, loader: bool = False
) -> str:
    """Return ckan.ini; `loader`: with ckanext-xloader, which fills DataStore tables from links by itself."""
    return f"""\
; Written anew at every start of the portal: changes made here are lost.
[DEFAULT]
debug = false

[app:main]
use = egg:ckan
SECRET_KEY = {keys["session"]}
WTF_CSRF_SECRET_KEY = {keys["csrf"]}
api_token.jwt.encode.secret = string:{keys["tokens"]}
api_token.jwt.decode.secret = string:{keys["tokens"]}

ckan.site_id = glane
ckan.site_title = Glane
ckan.site_url = {site_url(port)}
ckan.locale_default = fr
ckan.locales_offered = fr en
ckan.locale_order = fr en
ckan.display_timezone = Europe/Paris

ckan.plugins = {plugins}{f" {LOADER}" if loader else ""}
ckan.views.default_views = {VIEWS}
ckan.storage_path = {storage}
ckan.max_resource_size = {MAX_RESOURCE_MEGABYTES}
ckan.tracking_enabled = false
licenses_group_url = {_LICENCES.as_uri()}

sqlalchemy.url = {_database_url("ckan", "ckan", runtime)}
ckan.datastore.write_url = {_database_url("ckan", "datastore", runtime)}
ckan.datastore.read_url = {_database_url("datastore_reader", "datastore", runtime)}
ckan.datastore.sqlsearch.enabled = true
ckan.redis.url = unix://{valkey_socket(runtime)}?db=0
; CKAN wants an address, and the plugin glane_search answers in its place: nothing listens on port 1.
solr_url = http://127.0.0.1:1/solr/none
{_loader(runtime) if loader else ""}

ckan.auth.anon_create_dataset = false
ckan.auth.create_unowned_dataset = false
ckan.auth.create_dataset_if_not_in_organization = false
ckan.auth.create_user_via_api = false
ckan.auth.create_user_via_web = false
ckan.auth.user_create_groups = false
ckan.auth.user_create_organizations = false
ckan.auth.user_delete_groups = false
ckan.auth.user_delete_organizations = false

{_LOGGING}"""


def _loader(runtime: Path) -> str:
    # Its token is put beside these by ckanext_glane/wsgi.py, once there is one.
    return f"ckanext.xloader.jobs_db.uri = {_database_url('ckan', 'ckan', runtime)}"


def _database_url(role: str, database: str, runtime: Path) -> str:
    # CKAN's own parser of these addresses wants a password, though the socket asks for none.
    return f"postgresql://{role}:x@/{database}?host={runtime}"


def valkey_socket(runtime: Path) -> Path:
    """The socket that Valkey listens on."""
    return runtime / "valkey.sock"


def client_rules(client: str) -> tuple[str, str]:
    """Return pg_hba.conf and pg_ident.conf: the kernel vouches that a client on the socket is `client`, no one else.

    That keeps out other processes of `nobody`, who runs PostgreSQL when root starts the portal.
    """
    roles = ("postgres", "ckan", "datastore_reader")
    allowed = "".join(f'portal "{client}" {role}\n' for role in roles)
    return "local all all peer map=portal\n", allowed


def initdb_command(programs: Path, data: Path) -> list[str]:
    """The command that makes the files of a database server."""
    options = ["-U", "postgres", "-A", "peer", "-E", "UTF8", "--locale=C", "--no-sync"]
    return [str(programs / "bin" / "initdb"), "-D", str(data), *options]


def single_user_command(programs: Path, data: Path) -> list[str]:
    """The command that runs SQL of its standard input on a database that no server runs on."""
    return [str(programs / "bin" / "postgres"), "--single", "-j", "-D", str(data), "postgres"]


def postgres_command(programs: Path, data: Path, runtime: Path) -> list[str]:
    """The command of the database server: one socket, no port."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(runtime),
        "unix_socket_permissions": "0700",
        "shared_buffers": "64MB",
        "max_connections": "80",
        "log_line_prefix": "%t [%p] ",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(programs / "bin" / "postgres"), "-D", str(data), *options]


def valkey_command(program: Path, runtime: Path) -> list[str]:
    """The command of the cache: one socket, no port, nothing kept on disk (sessions and counters only)."""
    options = {"port": "0", "unixsocket": str(valkey_socket(runtime)), "unixsocketperm": "700"}
    words = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(program), *words, "--dir", str(runtime), "--save", "", "--appendonly", "no"]


def web_command(environment: Environment, socket: int, runtime: Path) -> list[str]:
    """The command of the web server, on a socket that is open already.

    CKAN is loaded once, then forked (--preload): half the memory and half the start of two workers apart.
    """
    return [
        str(environment.python),
        "-m",
        "gunicorn",
        "--preload",
        "--workers=2",
        "--threads=4",
        "--timeout=300",
        "--graceful-timeout=3",
        # It would lie in the user's own ~/.gunicorn, one for all portals.
        "--no-control-socket",
        f"--worker-tmp-dir={runtime}",
        f"--bind=fd://{socket}",
        "--config=python:ckanext_glane.server",
        "ckanext_glane.wsgi:application",
    ]


def worker_command(environment: Environment) -> list[str]:
    """The command of the process that takes the jobs which CKAN and its loader put off."""
    return [str(environment.python), "-m", "ckanext_glane.worker"]
