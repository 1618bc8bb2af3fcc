"""Taking a person's data out of versions that are published: the one exception to their being immutable.

Belongs here: who is meant (person.py), one version without that person (rewriting.py), all of them in their order
(versions.py). Does not belong here: what is kept beside versions (schemas/, sources/), the portal (ckan/forgetting.py),
and the whole of it (pipelines/forgetting.py).
"""
