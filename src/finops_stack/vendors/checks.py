"""checks.toml of a vendor folder: what the vendor's bills say of themselves, as checks.

What each key means: docs/vendor-folders.md.
"""

import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finops_stack.errors import InputError
from finops_stack.findings import QueryCheck, Severity
from finops_stack.vendors.catalog import vendor_folders
from finops_stack.vendors.manifest import Vendor

FILE = "checks.toml"
# What the SQL may name in braces, beside the models of the check's forms.
GIVEN = ("bills", "focus", "bill_rows")
_NAME = re.compile(r"(?<!\{)\{([^{}]*)\}(?!\})")


@dataclass(frozen=True)
class VendorCheck(QueryCheck):
    """A check by one query over a vendor's tables; asked of the bills of its form only.

    samples: select of rows to look at (file, row, …), in place of the failures themselves.
    """

    form: str = ""
    samples: str = ""

    def names(self) -> set[str]:
        """What stands in braces in its SQL."""
        texts = (self.sql, self.guard, self.note, self.samples)
        return {name for text in texts for name in _NAME.findall(text)}


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    form: str
    what: str
    severity: Severity = "warn"
    sql: str
    guard: str = ""
    note: str = ""
    samples: str = Field(default="", description="rows to look at, with file and row")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checks: tuple[_Entry, ...]


def read_checks(folder: Path) -> tuple[VendorCheck, ...]:
    """The checks of one folder; none where it has no checks.toml. Raises InputError."""
    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        found = _File(**_toml(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {place}: {first['msg']}", hint=f"mend {place}") from error
    checks = tuple(VendorCheck(**entry.model_dump()) for entry in found.checks)
    _require_own_ids(path, folder.name, [check.id for check in checks])
    return checks


def all_checks(own: Sequence[Path] = ()) -> list[VendorCheck]:
    """The checks of every vendor there is; a file that is wrong stops its own sources only."""
    found: list[VendorCheck] = []
    for folder in vendor_folders(own).values():
        with suppress(InputError):
            found += read_checks(folder)
    return found


def require_checks(vendor: Vendor) -> None:
    """Raises InputError where a check names a form or a table the vendor does not have."""
    for check in read_checks(vendor.folder):
        _require_names(vendor, check)


def _require_names(vendor: Vendor, check: VendorCheck) -> None:
    path = vendor.folder / FILE
    forms = [form.name for form in vendor.forms]
    if check.form not in forms:
        raise InputError(
            f'{path}: check "{check.id}" is of form "{check.form}", which is not there',
            hint=f"forms: {', '.join(forms)}",
        )
    known = {*GIVEN, *vendor.form(check.form).models}
    unknown = sorted(check.names() - known)
    if unknown:
        raise InputError(
            f'{path}: check "{check.id}" names {{{unknown[0]}}}, which is not there',
            hint=f"names: {', '.join(sorted(known))}; write {{{{ for a brace",
        )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint="mend that line") from error


def _require_own_ids(path: Path, vendor: str, ids: list[str]) -> None:
    """finops.toml names a check by its id alone, so no two vendors may share one."""
    for number, check_id in enumerate(ids):
        if not check_id.startswith(f"{vendor}-"):
            raise InputError(f'{path}: check "{check_id}"', hint=f'begin its id with "{vendor}-"')
        if check_id in ids[:number]:
            raise InputError(f'{path}: two checks are called "{check_id}"', hint="rename one")
