"""Numbers and times as people read them."""

from decimal import Decimal


def bytes_text(size: int) -> str:
    """1536 → '1.5 KB'."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"


def money_text(amount: Decimal | None, places: int = 2) -> str:
    """Thousands apart, two places; exact values are in the data, not on the screen."""
    return "" if amount is None else f"{amount:,.{places}f}"


def count_text(count: int | None) -> str:
    """Thousands apart."""
    return "" if count is None else f"{count:,}"
