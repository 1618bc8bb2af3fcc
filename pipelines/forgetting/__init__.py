"""`glane forget`: a person's data leaves all that Glane keeps, the one exception to versions being immutable.

Belongs here: finding the person everywhere (finding.py), what is forgotten in the store beside versions (keeping.py),
in Dagster's past (runs.py), and the whole of it in its order (whole.py); the records of people who are forgotten in a
file that comes (arriving.py). Does not belong here: versions (publish/forgetting), the portal
(publish/ckan/forgetting.py).
"""
