"""Making an empty CKAN a portal: tables, rights, the organisation, its editor, the operator's account.

All of it in the process that will serve, because loading CKAN takes longer than everything here. Every step may be
repeated: a start that was killed half-way is finished by the next.
"""

import json
import os
import secrets

import ckan
import psycopg2
from ckan import model
from ckan.cli import db
from ckan.common import config
from ckan.lib import search
from ckan.plugins import toolkit
from ckanext.datastore.cli import _parse_db_config, permissions_sql

# Raised when the steps below change, so that portals made before take them too.
REVISION = 1


def prepare(application, home, names):
    """Bring the portal in `home` to what its settings and this version of CKAN want; nothing if it is there already.

    `names`: those of the `organisation` and its `title`, of the `editor` and of the `sysadmin`.
    """
    done_file = home / "prepared.json"
    done = _read(done_file)
    wanted = {
        "revision": REVISION,
        "ckan": ckan.__version__,
        "plugins": list(config["ckan.plugins"]),
        "site_url": config["ckan.site_url"],
        "names": names,
    }
    kept = [home / name for name in ("editor.token", "sysadmin.token", "sysadmin.password")]
    if done == wanted and all(file.exists() for file in kept):
        return
    with application._wsgi_app.test_request_context():
        if {**done, "site_url": None} != {**wanted, "site_url": None}:
            _make_tables()
            _grant_datastore()
        _make_accounts(home, names)
        if done:
            # The index holds whole datasets, links included, and those are made from site_url.
            search.rebuild(quiet=True, force=True)
        model.Session.remove()
    _write_private(done_file, json.dumps(wanted))


def _make_tables():
    # In this order: create_db() would make tables of today that the plugins' migrations then make again, and fail.
    db._run_migrations(None, "head")
    db._migrate_plugins(apply=True)


def _grant_datastore():
    """Run CKAN's own script of the DataStore's rights as the database's superuser, without psql's `connect`."""
    write, read, main = (
        _parse_db_config(key) for key in ("ckan.datastore.write_url", "ckan.datastore.read_url", "sqlalchemy.url")
    )
    script = permissions_sql(main["db_name"], write["db_name"], main["db_user"], write["db_user"], read["db_user"])
    sql = "\n".join(line for line in script.splitlines() if not line.startswith("\\connect"))
    socket = model.meta.engine.url.query["host"]
    connection = psycopg2.connect(host=socket, user="postgres", dbname=write["db_name"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


def _make_accounts(home, names):
    site = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})["name"]

    def act(action, **values):
        return toolkit.get_action(action)({"ignore_auth": True, "user": site}, values)

    password = _read_text(home / "sysadmin.password") or secrets.token_urlsafe(18)
    _write_private(home / "sysadmin.password", password)
    # Nobody signs in as the editor: its password is thrown away, its token is all there is.
    for user, secret in ((names["sysadmin"], password), (names["editor"], secrets.token_urlsafe(40))):
        if model.User.get(user) is None:
            act("user_create", name=user, email=f"{user}@glane.invalid", password=secret)
        elif user == names["sysadmin"]:
            act("user_update", id=user, email=f"{user}@glane.invalid", password=secret)
    model.User.get(names["sysadmin"]).sysadmin = True
    model.repo.commit()
    if model.Group.get(names["organisation"]) is None:
        act("organization_create", name=names["organisation"], title=names["title"])
    act("organization_member_create", id=names["organisation"], username=names["editor"], role="editor")
    for user in ("editor", "sysadmin"):
        file = home / f"{user}.token"
        if not file.exists():
            _write_private(file, act("api_token_create", user=names[user], name="glane portal")["token"])


def _read(file):
    try:
        return json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _read_text(file):
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""


def _write_private(file, text):
    """Write in one step, readable by its owner alone from the first byte on."""
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)
