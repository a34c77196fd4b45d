"""What can go wrong with a measurement."""


class BenchError(Exception):
    """Something could not be measured; says what, and why."""
