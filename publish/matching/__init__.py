"""Which rows of several partners are the same place or organisation, though they are not written alike.

Belongs here: what of a row is compared (told.py, words.yaml), which rows are compared at all (candidates.py), how much
speaks for two rows being one (score.py), and which of them become one (cluster.py); engine.py puts these together.
Does not belong here: which value stands in the row that comes of it (publish/merge.py), the ids of one partner's rows
from one file to the next (sources/identity).

Weights and thresholds are written down, not learnt: they are the same for every run, a steward can read them, and a
source that comes or goes changes nothing for rows that it does not touch.
"""
