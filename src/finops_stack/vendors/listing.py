"""What is supported, as lines: for the terminal, programs and the docs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from finops_stack.vendors.manifest import Vendor


@dataclass(frozen=True)
class VendorLine:
    """One vendor: which bills, how found, how made, how sure."""

    name: str
    title: str
    bills: str
    found_by: str
    made_by: str
    status: str
    gaps: str
    own: bool

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def vendor_lines(vendors: Mapping[str, Vendor], builtin: Mapping[str, Path]) -> list[VendorLine]:
    """One line a vendor, by name; `own` where the folder is the user's."""
    return [_line(vendor, vendor.folder != builtin.get(name)) for name, vendor in vendors.items()]


def _line(vendor: Vendor, own: bool) -> VendorLine:
    ways = {"configuration" if form.is_mapped else "SQL" for form in vendor.forms}
    made_by = " and ".join(sorted(ways, reverse=True))
    return VendorLine(
        name=vendor.name,
        title=vendor.vendor.title,
        bills="; ".join(form.title for form in vendor.forms),
        found_by="; ".join(layout.title for layout in vendor.layouts),
        made_by=made_by,
        status=vendor.vendor.status,
        gaps="; ".join(vendor.vendor.gaps),
        own=own,
    )


_HEAD = """# Vendors

Made by `finops vendors --format markdown`. *documented*: built from the provider's pages and
samples, with fixtures worked out by hand; *proven*: compared with real bills. A vendor that is not
here: [add a vendor](add-a-vendor.md).

| vendor | bills | found by | made by | status | known gaps |
|---|---|---|---|---|---|
"""


def vendors_markdown(lines: list[VendorLine]) -> str:
    """The page docs/vendors.md."""
    rows = [
        f"| **{line.name}** {line.title} | {line.bills} | {line.found_by} | {line.made_by} |"
        f" {line.status} | {line.gaps} |\n"
        for line in lines
    ]
    return _HEAD + "".join(rows)
