"""The core knows no vendor: no name of a vendor's folder stands in it as a word."""

import re
from pathlib import Path

import pytest

from finops_stack.vendors.catalog import BUILTIN, vendor_folders

PACKAGE = Path(__file__).parents[2] / "src" / "finops_stack"
KINDS = {".py", ".sql", ".yml", ".toml", ".csv"}
CORE = sorted(
    path
    for path in PACKAGE.rglob("*")
    if path.suffix in KINDS and BUILTIN not in path.parents and path.is_file()
)
CHAIN = "S3's credentials come from what its protocol calls the AWS credential chain"
EXAMPLE = "an example in the help, which needs some vendor's name"
EMITTERS = "whose FOCUS exports deviate, and how: data about their files"
IN_WAIVERS = ("aws", "azure", "cloudflare", "oci")
# The specification's own name, which every file is full of.
SPECIFICATION = "focus"
NAMES = sorted(set(vendor_folders()) - {SPECIFICATION})
STORAGE = "the name of a storage's settings, extra or library"
# (file, vendor): why its name may stand there
ALLOWED = {
    ("config.py", "aws"): CHAIN,
    ("warehouse/s3_secret.py", "aws"): CHAIN,
    ("deliveries/storage/s3.py", "aws"): CHAIN,
    ("config.py", "azure"): STORAGE,
    ("deliveries/storage/__init__.py", "azure"): STORAGE,
    ("deliveries/storage/__init__.py", "gcp"): STORAGE,
    ("deliveries/storage/azure_blob.py", "azure"): STORAGE,
    ("locations.py", "azure"): STORAGE,
    ("ingest/load.py", "aws"): CHAIN,
    ("cli/session.py", "aws"): CHAIN,
    ("cli/setup_commands.py", "aws"): EXAMPLE,
    ("cli/main.py", "aws"): EXAMPLE,
    ("cli/history_command.py", "aws"): EXAMPLE,
    ("cli/publish_command.py", "aws"): EXAMPLE,
    ("cli/run_command.py", "aws"): EXAMPLE,
    **{("conformance/waivers.toml", name): EMITTERS for name in IN_WAIVERS},
}


def mentions(path: Path, vendor: str) -> list[str]:
    """Lines with the vendor's name as a word; an underscore ends a word here."""
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(vendor)}(?![A-Za-z0-9])", re.IGNORECASE)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        f"{path.name}:{n}: {line.strip()}" for n, line in enumerate(lines, 1) if word.search(line)
    ]


@pytest.mark.parametrize("vendor", NAMES)
def test_no_vendors_name_in_the_core(vendor):
    found = [
        line
        for path in CORE
        if (path.relative_to(PACKAGE).as_posix(), vendor) not in ALLOWED
        for line in mentions(path, vendor)
    ]
    assert found == []


@pytest.mark.parametrize("vendor", NAMES)
def test_no_vendors_name_in_another_vendors_folder(vendor):
    others = (path for path in BUILTIN.rglob("*") if path.suffix in {".sql", ".toml"})
    found = [
        line
        for path in others
        if path.relative_to(BUILTIN).parts[0] != vendor
        for line in mentions(path, vendor)
    ]
    assert found == []


@pytest.mark.parametrize(("file", "vendor"), sorted(ALLOWED))
def test_an_exception_that_is_no_longer_needed_goes(file, vendor):
    assert mentions(PACKAGE / file, vendor)
