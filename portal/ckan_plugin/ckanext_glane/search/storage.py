"""The index's one table, and every statement that is run on it.

It lives in a schema of its own, so that CKAN's `db clean`, which empties the default one, leaves it to CKAN's own
`search-index clear`. Each write is a transaction of its own, as one to Solr would be: it stands even if CKAN's own
transaction fails afterwards, and the next write of that dataset mends it.

Belongs here: SQL and the engine. Does not belong here: what a query means (lucene, dismax, conditions).
"""

import pysolr
import sqlalchemy
from ckan import model

_TABLE = """
CREATE SCHEMA IF NOT EXISTS ckan_search;
CREATE TABLE IF NOT EXISTS ckan_search.document (
    index_id text PRIMARY KEY,
    fields jsonb NOT NULL,
    stored jsonb NOT NULL,
    words tsvector NOT NULL,
    field_words tsvector NOT NULL
);
CREATE INDEX IF NOT EXISTS document_fields ON ckan_search.document USING gin (fields jsonb_path_ops);
CREATE INDEX IF NOT EXISTS document_words ON ckan_search.document USING gin (words);
CREATE INDEX IF NOT EXISTS document_field_words ON ckan_search.document USING gin (field_words);
"""
# Any number, as long as nothing else in this database locks the same.
_LOCK = 7_246_001

_UPSERT = """
INSERT INTO ckan_search.document (index_id, fields, stored, words, field_words)
VALUES (:index_id, CAST(:fields AS jsonb), CAST(:stored AS jsonb),
        CAST(:words AS tsvector), CAST(:field_words AS tsvector))
ON CONFLICT (index_id) DO UPDATE SET
    fields = excluded.fields, stored = excluded.stored, words = excluded.words, field_words = excluded.field_words
"""

_made = set()


def is_ready():
    """Tell whether CKAN has told us its database yet: it checks its search before it does."""
    return model.meta.engine is not None


def run(work):
    """Call `work` with a connection in a transaction, and return what it returns.

    Raises pysolr.SolrError where the database fails, in the words by which CKAN knows a server that is away.
    """
    engine = model.meta.engine
    try:
        if str(engine.url) not in _made:
            with engine.begin() as connection:
                connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                connection.execute(sqlalchemy.text(_TABLE))
            _made.add(str(engine.url))
        with engine.begin() as connection:
            return work(connection)
    except sqlalchemy.exc.OperationalError as failure:
        raise pysolr.SolrError(f"Failed to connect to server: {failure.orig}") from failure
    except sqlalchemy.exc.DBAPIError as failure:
        raise pysolr.SolrError(str(failure.orig)) from failure


def upsert(rows):
    """Write rows (documents.row), each in the place of the one of the same index_id."""
    run(lambda connection: connection.execute(sqlalchemy.text(_UPSERT), rows))


def delete(where, values):
    """Remove the documents that meet the condition."""
    statement = sqlalchemy.text(f"DELETE FROM ckan_search.document WHERE {where}")
    run(lambda connection: connection.execute(statement, values))


def count(connection, where, values):
    """Return how many documents meet the condition."""
    statement = sqlalchemy.text(f"SELECT count(*) FROM ckan_search.document WHERE {where}")
    return connection.execute(statement, values).scalar()


def page(connection, where, values, *, score, order, rows, start):
    """Return some of the documents that meet the condition, each as (what is stored, score)."""
    statement = sqlalchemy.text(
        f"SELECT stored, {score} AS score FROM ckan_search.document WHERE {where} "
        f"ORDER BY {order} LIMIT {int(rows)} OFFSET {int(start)}"
    )
    return connection.execute(statement, values).fetchall()


def facet(connection, where, values, *, name, limit, least):
    """Return the values of one field and in how many documents each is, as a flat list (Solr's form).

    A positive limit: the most frequent first; none (negative): all, by name.
    """
    order = 'n DESC, value COLLATE "C"' if limit > 0 else 'value COLLATE "C"'
    cut = f" LIMIT {int(limit)}" if limit >= 0 else ""
    statement = sqlalchemy.text(
        "SELECT value, count(*) AS n FROM ckan_search.document, "
        f"jsonb_array_elements_text(fields -> :facet_name) AS value WHERE {where} "
        f"GROUP BY value HAVING count(*) >= {max(int(least), 1)} ORDER BY {order}{cut}"
    )
    found = connection.execute(statement, {**values, "facet_name": name}).fetchall()
    return [part for value, number in found for part in (value, number)]
