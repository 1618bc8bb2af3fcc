"""The web server's own settings: what must happen between loading CKAN once and forking its workers.

gunicorn reads this module (`--config=python:ckanext_glane.server`) before CKAN is loaded, so nothing of CKAN is
imported at the top.
"""


def post_fork(server, worker):
    """Give each worker its own connections: a socket shared by two processes mixes up their answers."""
    from ckan import model
    from ckanext.datastore.backend import postgres

    for engine in (model.meta.engine, *postgres._engines.values()):
        engine.dispose(close=False)
