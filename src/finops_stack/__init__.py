"""Open FinOps Stack: every bill one FOCUS table, proven right to the cent."""

__version__ = "0.1.0"
