"""Cleaners: what is done to one cell, by name. See registry.py for the list and context.py for what each promises."""

from sources.clean.context import CleanContext, Cleaner
from sources.clean.registry import CLEANERS

__all__ = ["CLEANERS", "CleanContext", "Cleaner"]
