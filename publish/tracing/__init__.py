"""Where a published row comes from, worked out again: the half of it that publish/ does.

Belongs here: finding a row and the partners' rows that it came of (found.py), which value stood (choosing.py), why rows
are one (ties.py). Does not belong here: the way from a partner's file to its row (sources/tracing.py,
schemas/tracing.py).
"""
