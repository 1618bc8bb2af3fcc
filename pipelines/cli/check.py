"""`glane check`."""


def check() -> None:
    """Check."""
