"""The user's own account names: read whole, or refused with the line."""

import pytest

from finops_stack.cli.session import Session
from finops_stack.config import load_config
from finops_stack.errors import InputError


@pytest.fixture
def read(tmp_path):
    def read(content):
        (tmp_path / "finops.toml").write_text('account_names = "names.csv"\n', encoding="utf-8")
        if content is not None:
            (tmp_path / "names.csv").write_bytes(content)
        return Session(load_config(tmp_path / "finops.toml")).account_names()

    return read


def test_names_are_read_with_or_without_a_bom(read):
    text = 'account_id,account_name\n0071,"One, and more"\n0072,Zwölf\n'
    assert read(text.encode()) == text
    assert read(b"\xef\xbb\xbf" + text.encode()) == text
    assert read(b"account_id,account_name\r\n0071,One\r\n").count("0071") == 1
    assert read(b"account_id,account_name\n") == "account_id,account_name\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "is not there"),
        (b"", "its first line is"),
        (b"id,name\n1,One\n", 'its first line is "id,name"'),
        (b"account_id,account_name\n0071,One\n0071,Two\n", "line 3: account 0071 is there twice"),
        (b"account_id,account_name\n0071\n", "line 2: it has 1 columns, not 2"),
        (b"account_id,account_name\n0071,One,x\n", "line 2: it has 3 columns, not 2"),
        (b'account_id,account_name\n0071,"One\n', "line 2"),
        (b"account_id,account_name\n0071,Zw\xf6lf\n", "is not UTF-8"),
        (b"account_id,account_name\n0071,a\x00b\n", "line 2"),
    ],
)
def test_a_wrong_file_is_refused(read, content, says):
    with pytest.raises(InputError) as refused:
        read(content)
    assert says in refused.value.message
    assert refused.value.hint


def test_without_the_setting_there_are_none(tmp_path):
    (tmp_path / "finops.toml").write_text("", encoding="utf-8")
    assert Session(load_config(tmp_path / "finops.toml")).account_names() is None
