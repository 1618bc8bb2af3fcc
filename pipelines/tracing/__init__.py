"""`glane trace`: from a published cell back to the line of the raw snapshot, worked out again.

Belongs here: putting together what each room tells of its part of the way (trace.py, origin.py), and how it is told to
people (words.py, telling.py). Does not belong here: any of the steps.
"""
