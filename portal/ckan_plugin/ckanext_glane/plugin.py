"""The CKAN plugin `glane_search`: CKAN's search without Solr, answered from its own PostgreSQL.

Every access of CKAN to Solr goes through make_connection(), which its modules import by name; so that name is replaced
in each of them, and the two places that ask whether Solr is there and which schema it has. That is done when this
module is imported: CKAN checks its search before it sets plugins up, and some of its own tests drop them.

Belongs here: the hook. Does not belong here: how a search is answered (ckanext_glane/search/).
"""

from ckan.lib import search
from ckan.lib.search import common, index, query
from ckan.plugins import SingletonPlugin

from ckanext_glane.search import storage
from ckanext_glane.search.connection import Connection
from ckanext_glane.search.fields import schema_file


class GlaneSearchPlugin(SingletonPlugin):
    """Its being imported is all it does."""


class _SchemaAnswer:
    """Solr's answer to the question which schema it has: the one CKAN ships, which is the one we read."""

    @property
    def text(self):
        return schema_file().read_text("utf-8")

    def raise_for_status(self):
        """All is well."""


def _is_available():
    # The first check comes before CKAN has told its models the database; without one, nothing else works either.
    return True if not storage.is_ready() else common_is_available()


common_is_available = common.is_available
for module in (search, common, index, query):
    module.make_connection = Connection
for module in (search, common):
    module.is_available = _is_available
search._get_schema_from_solr = lambda _file_offset: _SchemaAnswer()
