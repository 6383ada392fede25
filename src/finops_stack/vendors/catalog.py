"""Which vendors there are: the built-in folders, and the user's own, which win by name."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from finops_stack.errors import InputError
from finops_stack.vendors.manifest import Vendor, read_vendor

BUILTIN = Path(str(resources.files("finops_stack.vendors"))) / "builtin"


def vendor_folders(own: Sequence[Path] = ()) -> dict[str, Path]:
    """Vendor name → folder; a user's folder replaces the built-in one of the same name whole."""
    found: dict[str, Path] = {}
    for root in (BUILTIN, *own):
        if not root.is_dir():
            raise InputError(f"vendor folder {root} is not there", hint="check vendor_folders")
        found |= {path.parent.name: path.parent for path in sorted(root.glob("*/vendor.toml"))}
    return found


def load_vendor(name: str, own: Sequence[Path] = ()) -> Vendor:
    """One vendor by name. Raises InputError naming those that exist."""
    folders = vendor_folders(own)
    if name not in folders:
        known = ", ".join(sorted(folders))
        raise InputError(f'no vendor is called "{name}"', hint=f"known vendors: {known}")
    return read_vendor(folders[name], _additions(name, own))


def load_vendors(own: Sequence[Path] = ()) -> dict[str, Vendor]:
    """Every vendor, read."""
    return {
        name: read_vendor(folder, _additions(name, own))
        for name, folder in vendor_folders(own).items()
    }


def _additions(name: str, own: Sequence[Path]) -> tuple[Path, ...]:
    """A user's folder of a vendor's name without a vendor.toml adds to its vocabulary."""
    return tuple(
        root / name / "vocabulary" for root in own if not (root / name / "vendor.toml").is_file()
    )
