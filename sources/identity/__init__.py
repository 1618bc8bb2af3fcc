"""Which row of today is which row of last time: ids that stay with what they name.

Belongs here: what tells one row from another (likeness.py), pairing the rows of two files (matching.py), the ids that a
partner's rows were ever given (register.py), and the ids of a file's rows (identify.py). Does not belong here: the id
that a partner's own number gives (sources/mapping.py), rows of several partners that are one (publish/).
"""
