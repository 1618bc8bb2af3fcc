"""What CKAN takes for its connection to Solr: the part of pysolr.Solr that it uses, answered by PostgreSQL.

CKAN's own index and query classes stay in charge of what is indexed, who may see what, and how results are presented.

Belongs here: pysolr's interface. Does not belong here: languages (lucene, dismax), SQL (storage).
"""

import re

import pysolr
from ckan.lib.search.common import solr_datetime_decoder

from ckanext_glane.search import dismax, documents, lucene, storage
from ckanext_glane.search.conditions import Conditions
from ckanext_glane.search.fields import Kind, field

_SORT = re.compile(r"([\w.-]+)\s+(asc|desc)", re.IGNORECASE)


class Connection:
    """Adds, deletes and searches documents, as pysolr.Solr would."""

    # Part of CKAN's error messages.
    url = "postgresql (schema ckan_search)"

    def __init__(self, decode_dates=True):
        self._decode_dates = decode_dates

    def add(self, docs, **_options):
        """Write documents; they can be found at once, whatever is said of committing."""
        storage.upsert([documents.row(document) for document in docs])

    def delete(self, q, **_options):
        """Remove the documents that a query in Lucene's language finds."""
        conditions = Conditions()
        storage.delete(lucene.condition(q, conditions), conditions.values)

    def commit(self, **_options):
        """Do nothing: every write is a transaction of its own."""

    def search(self, q="*:*", **options):
        """Return pysolr.Results for Solr's parameters. What only weighs results (qf, bf, tie, boost) is left aside.

        Raises pysolr.SolrError for a query that cannot be understood, or if the database fails.
        """
        conditions = Conditions(options.get("df") or "text", options.get("q.op") or "OR")
        asked = _main(q, options, conditions)
        score = conditions.score()
        filters = [lucene.condition(text, conditions) for text in _several(options.get("fq")) if text.strip()]
        where = " AND ".join([asked, *filters])
        order = _order(options.get("sort"), score, conditions)

        def work(connection):
            total = storage.count(connection, where, conditions.values)
            found = []
            if total and int(options.get("rows", 10)) > 0:
                found = storage.page(
                    connection,
                    where,
                    conditions.values,
                    score=score,
                    order=order,
                    rows=options.get("rows", 10),
                    start=options.get("start") or 0,
                )
            return total, found, _facets(connection, where, conditions.values, options)

        total, found, facets = storage.run(work)
        answers = [self._answer(stored, score, options.get("fl")) for stored, score in found]
        response = {"numFound": total, "start": int(options.get("start") or 0), "docs": answers}
        return pysolr.Results({"response": response, "facet_counts": {"facet_fields": facets}})

    def _answer(self, stored, score, fields):
        wanted = set(re.split(r"[,\s]+", fields or "*"))
        answer = stored if "*" in wanted else {name: value for name, value in stored.items() if name in wanted}
        if "score" in wanted:
            answer = {**answer, "score": score}
        return solr_datetime_decoder(answer) if self._decode_dates else answer


def _main(query, options, conditions):
    language = options.get("defType") or "lucene"
    minimum = options.get("mm") or "100%"
    if query.strip().startswith("{!") or language not in ("dismax", "edismax"):
        return lucene.condition(query, conditions)
    if language == "edismax" and ":" in query:
        try:
            return lucene.condition(query, conditions)
        except pysolr.SolrError:
            # edismax never refuses what it cannot parse: it takes it for words.
            return dismax.condition(query, conditions, minimum)
    return dismax.condition(query, conditions, minimum)


def _order(sort, score, conditions):
    parts = []
    for item in filter(None, (part.strip() for part in (sort or "score desc").split(","))):
        match = _SORT.fullmatch(item)
        if match is None:
            raise pysolr.SolrError(f"Can't determine a Sort Order (asc or desc) in sort spec '{sort}'")
        name, direction = match[1], match[2].upper()
        if name == "score":
            # Cast, lest a bare 0 be read as the number of a column.
            parts.append(f"CAST({score} AS float8) {direction}")
            continue
        value = f"(fields -> {conditions.bind(documents.SORT_KEYS.get(name, name))} ->> 0)"
        value = f"CAST({value} AS numeric)" if field(name).kind is Kind.NUMBER else f'{value} COLLATE "C"'
        parts.append(f"{value} {direction} NULLS LAST")
    return ", ".join([*parts, "index_id"])


def _facets(connection, where, values, options):
    if str(options.get("facet", "false")).lower() != "true":
        return {}
    facets = {}
    for asked in _several(options.get("facet.field")):
        name = re.sub(r"^\{![^}]*\}", "", asked)
        limit = int(options.get(f"f.{name}.facet.limit", options.get("facet.limit", 100)))
        least = int(options.get("facet.mincount", 0))
        facets[name] = storage.facet(connection, where, values, name=name, limit=limit, least=least)
    return facets


def _several(value):
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
