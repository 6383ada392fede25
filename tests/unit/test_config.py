"""finops.toml, environment and flags: order, mistakes, secrets, paths."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from finops_stack.config import load_config
from finops_stack.errors import InputError


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "finops.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def source(name: str = "acme", location: str = "bills", more: str = "") -> str:
    return f'[[sources]]\nname = "{name}"\nvendor = "acme"\nlocation = "{location}"\n{more}\n'


def refusal(path: Path) -> InputError:
    with pytest.raises(InputError) as refused:
        load_config(path)
    error = refused.value
    assert error.exit_code == 2
    assert error.hint
    assert "\n" not in error.message + error.hint
    return error


def test_defaults_of_an_empty_file(write, tmp_path):
    config = load_config(write(""))
    assert config.lake.path == tmp_path / "lake"
    assert (config.lake.catalog, config.lake.storage) == ("sqlite", None)
    assert (config.engine.memory_limit, config.engine.threads) == ("800MB", None)
    assert (config.retention.days, config.sources, config.vendor_folders) == (30, (), ())


def test_flag_beats_environment_beats_file_beats_default(write, monkeypatch):
    path = write("[retention]\ndays = 7\n[engine]\nthreads = 3\n")
    assert load_config(path).retention.days == 7
    monkeypatch.setenv("FINOPS_RETENTION__DAYS", "9")
    assert load_config(path).retention.days == 9
    assert load_config(path, flags={"retention": {"days": 11}}).retention.days == 11
    assert load_config(path).engine.threads == 3


def test_environment_reaches_nested_settings_and_lists(write, monkeypatch, tmp_path):
    monkeypatch.setenv("FINOPS_LAKE__PATH", "elsewhere")
    monkeypatch.setenv("FINOPS_CHECKS", json.dumps({"tax-pricing-null": "ignore"}))
    one = {"name": "a", "vendor": "acme", "location": "s3://bucket/x"}
    monkeypatch.setenv("FINOPS_SOURCES", json.dumps([one]))
    config = load_config(write(""))
    assert config.lake.path == tmp_path / "elsewhere"
    assert config.checks == {"tax-pricing-null": "ignore"}
    assert [s.location for s in config.sources] == ["s3://bucket/x"]


def test_broken_environment_value_names_its_setting(write, monkeypatch):
    monkeypatch.setenv("FINOPS_SOURCES", "[{not json")
    assert "sources" in refusal(write("")).message.lower()


def test_relative_paths_count_from_the_file_not_from_here(write, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = load_config(
        write(
            'vendor_folders = ["mine"]\naccount_names = "names.csv"\n'
            '[engine]\ntemp_directory = "spill"\n' + source(location="bills")
        )
    )
    assert config.vendor_folders == (tmp_path / "mine",)
    assert config.account_names == tmp_path / "names.csv"
    assert config.engine.temp_directory == tmp_path / "spill"
    assert Path(config.sources[0].location) == tmp_path / "bills"


@pytest.mark.parametrize(
    ("text", "place", "nearest"),
    [
        ("retentoin = 3", '"retentoin" is not a setting', '"retention"'),
        ("[lake]\npaht = 'x'", '"lake.paht" is not a setting', '"path"'),
        ("[engine]\nmemory = 'x'", '"engine.memory" is not a setting', '"memory_limit"'),
        (source(more="locaton = 'x'"), '"sources.0.locaton" is not a setting', '"location"'),
        (source(more="[sources.s3]\nprofil = 'x'"), '"sources.0.s3.profil"', '"profile"'),
    ],
)
def test_unknown_setting_suggests_the_nearest(write, text, place, nearest):
    error = refusal(write(text))
    assert place in error.message
    assert error.hint == f"did you mean {nearest}?"


def test_unknown_setting_far_from_all_lists_them(write):
    assert "known here: days" in refusal(write("[retention]\nzzz = 1")).hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[retention]\ndays = -1", "retention.days"),
        ("[engine]\nthreads = 0", "engine.threads"),
        ("[engine]\nthreads = 'many'", "engine.threads"),
        ("[lake]\ncatalog = 'mysql'", "lake.catalog"),
        ("[lake]\nstorage = '/mnt/x'", "lake.storage"),
        ("[checks]\nx = 'shout'", "checks.x"),
        (source(name="Acme Corp"), "sources.0.name"),
        (source(name="../x"), "sources.0.name"),
        ("[[sources]]\nname = 'a'\nvendor = 'acme'", "sources.0.location"),
        (source() + source(location="more"), "two sources are called acme"),
    ],
)
def test_wrong_values_name_their_place(write, text, says):
    assert says in refusal(write(text)).message


@pytest.mark.parametrize(
    "text",
    ["[lake", "x = ", "a = 1\na = 2", b"\xff\xfe[lake]", "[lake]\n[lake]", b"x = '\xe4'"],
)
def test_a_file_that_is_no_toml(write, text):
    assert "is not valid TOML" in refusal(write(text)).message


def test_no_file(tmp_path):
    assert "is not there" in refusal(tmp_path / "finops.toml").message
    assert "is not there" in refusal(tmp_path).message


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("bills", "bills"),
        ("bills", "bills/"),
        ("bills", "./bills"),
        ("bills", "other/../bills"),
        ("bills", "bills/2026"),
        ("s3://bucket/x", "s3://bucket/x/"),
        ("s3://bucket", "s3://bucket/x"),
    ],
)
def test_two_sources_must_not_read_the_same_bills(write, one, two):
    error = refusal(write(source("a", one) + source("b", two)))
    assert "count twice" in error.message


@pytest.mark.parametrize(
    ("one", "two"),
    [("bills", "bills-old"), ("s3://bucket/x", "s3://bucket/x2"), ("s3://a/x", "s3://b/x")],
)
def test_sources_beside_each_other_are_fine(write, one, two):
    assert len(load_config(write(source("a", one) + source("b", two))).sources) == 2


@pytest.mark.parametrize(
    "text",
    [
        "[lake]\ncatalog = 'postgres:host=db dbname=f user=u password=hunter2'",
        "[lake]\ncatalog = 'postgres:host=db PASSWORD=hunter2'",
        "[lake]\ncatalog = 'postgres:postgresql://user:hunter2@db/finops'",
        "[lake.s3]\nendpoint_url = 'http://user:hunter2@minio:9000'",
        source(more="[sources.s3]\nendpoint_url = 'http://user:hunter2@minio:9000'"),
        source(location="s3://user:hunter2@bucket/x"),
    ],
)
def test_secrets_are_refused_and_not_repeated(write, text):
    error = refusal(write(text))
    assert "hunter2" not in error.message + error.hint


def test_settings_cannot_be_changed_later(write):
    config = load_config(write(""))
    with pytest.raises(ValueError, match="frozen"):
        config.retention.days = 1


def test_the_invoices_lie_beside_the_file_and_rounding_is_exact(write, tmp_path):
    text = '[reconcile]\ninvoices = "invoices.csv"\nrounding = 0.01\n'
    settings = load_config(write(text)).reconcile
    assert settings.invoices == tmp_path / "invoices.csv"
    assert settings.rounding == Decimal("0.01")
    assert load_config(write("")).reconcile.rounding == 0


@pytest.mark.parametrize("line", ["rounding = -0.01", "rounding = nan", 'invoice = "x.csv"'])
def test_wrong_reconcile_settings_are_refused(write, line):
    assert "reconcile." in refusal(write(f"[reconcile]\n{line}\n")).message


def test_thresholds_of_data_quality(write):
    config = load_config(write("[quality]\ngone_cost = 0.1\nfresh_days_by_source = { a = 0 }\n"))
    quality = config.quality
    assert (quality.gone_cost, quality.rows_changed_pct) == (Decimal("0.1"), 50)
    assert quality.fresh_days_by_source == {"a": 0}
    assert 'did you mean "fresh_days"?' in refusal(write("[quality]\nfresh_day = 3\n")).hint
    assert "quality.gone_cost" in refusal(write("[quality]\ngone_cost = -1\n")).message
