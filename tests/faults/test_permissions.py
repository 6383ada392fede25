"""Credentials of a local folder: what may not be read is said, never passed over."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from acme_bills import acme_delivery
from finops_stack.deliveries.storage.local import LocalFolder
from finops_stack.errors import InputError

NOBODY = 65534


@pytest.fixture
def bills():
    """A folder others may enter; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="finops-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_nobody():
    """File permissions hold for everybody but root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_listed_is_an_error_not_a_missing_month(bills):
    acme_delivery(bills)
    acme_delivery(bills, "2026-10")
    (bills / "2026-10").chmod(0o000)
    try:
        with as_nobody(), pytest.raises(InputError, match="2026-10 cannot be listed") as refused:
            LocalFolder(str(bills)).list()
        assert refused.value.hint == "check its permissions"
    finally:
        (bills / "2026-10").chmod(0o755)


def test_a_file_that_may_not_be_read(bills, tmp_path):
    written = acme_delivery(bills)
    storage = LocalFolder(str(bills))
    (item,) = [item for item in storage.list() if item.key.endswith(".csv")]
    written.file.chmod(0o000)
    written.manifest.chmod(0o000)
    target = bills / "target"
    target.touch(mode=0o666)
    target.chmod(0o666)
    with as_nobody():
        with pytest.raises(InputError, match="cannot be read"):
            storage.download(item, target)
        with pytest.raises(InputError, match=r"manifest\.json cannot be read"):
            storage.read("2026-09/manifest.json")
