"""finops.toml, environment and flags → one frozen Config.

Order, weakest first: defaults, finops.toml, environment (FINOPS_LAKE__PATH …), flags.
"""

import difflib
import os
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from finops_stack.errors import InputError
from finops_stack.locations import one_spelling
from finops_stack.thresholds import QualitySettings

CONFIG_FILE = "finops.toml"
# user:secret@ in a URL; abfss://container@account names no user
_URL_SECRET = re.compile(r"(?<!abfs)(?<!abfss)://[^/@]*@|://[^/@:]*:[^/@]*@")
# A signed URL carries its key behind the question mark.
_URL_SIGNED = re.compile(r"://.*[?&]sig=", re.IGNORECASE)


def _without_secret(value: str) -> str:
    if _URL_SECRET.search(value):
        raise ValueError("keep user and password out of this file: leave out what is before @")
    if _URL_SIGNED.search(value):
        raise ValueError("keep the signature out of this file: leave out the ? and what follows")
    return value


PlainUrl = Annotated[str, AfterValidator(_without_secret)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class S3Settings(_Section):
    """How to reach S3: everything not set here comes from the AWS credential chain."""

    profile: str | None = Field(default=None, description="profile of ~/.aws/config")
    role_arn: str | None = Field(default=None, description="role to assume before reading")
    external_id: str | None = Field(
        default=None, description="external id of that role, when it asks"
    )
    region: str | None = Field(default=None, description="region of the bucket")
    endpoint_url: PlainUrl | None = Field(
        default=None, description="another S3 server, such as http://host:9000"
    )


class AzureSettings(_Section):
    """How to reach Azure storage; keys come from the environment or Azure's credential chain."""

    account: str | None = Field(
        default=None, pattern=r"^[a-z0-9]{3,24}$", description="storage account of an az:// place"
    )
    tenant: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.-]+$", description="directory the account belongs to"
    )
    endpoint_url: PlainUrl | None = Field(
        default=None, description="another server, such as http://host:10000/account"
    )


class AzureSecrets(BaseSettings):
    """AZURE_STORAGE_CONNECTION_STRING, _KEY, _SAS_TOKEN, _ACCOUNT: only ever in the environment."""

    model_config = SettingsConfigDict(env_prefix="AZURE_STORAGE_", frozen=True)

    connection_string: SecretStr | None = None
    key: SecretStr | None = None
    sas_token: SecretStr | None = None
    account: str | None = None


class GcsSettings(_Section):
    """How to reach Google Cloud Storage; credentials are the application default ones."""

    project: str | None = Field(default=None, description="project that pays for requests")
    endpoint_url: PlainUrl | None = Field(
        default=None, description="another server; over http:// no credentials are sent"
    )


class BigQuerySettings(_Section):
    """How to ask BigQuery; credentials are the application default ones."""

    job_project: str | None = Field(
        default=None, description="project that runs and pays for queries; default: the table's"
    )
    location: str | None = Field(
        default=None, description="where jobs run, such as EU: the dataset's location"
    )
    maximum_bytes_billed: int | None = Field(
        default=None, ge=1, description="a query that would read more bytes is refused"
    )
    endpoint_url: PlainUrl | None = Field(
        default=None, description="another server; over http:// no credentials are sent"
    )


class Source(_Section):
    """One place where one vendor's bills arrive."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,47}$", description="a-z, 0-9 and -, up to 48 characters"
    )
    vendor: str = Field(description="whose bills: the name of a vendor folder")
    location: PlainUrl = Field(description="folder or URL the bills arrive in")
    given: dict[str, str] = Field(
        default_factory=dict, description="what the bills leave out, such as a customer number"
    )
    s3: S3Settings = S3Settings()
    azure: AzureSettings = AzureSettings()
    gcs: GcsSettings = GcsSettings()
    bigquery: BigQuerySettings = BigQuerySettings()


class LakeSettings(_Section):
    """Where the lake is: a catalogue, and a place for its Parquet files."""

    path: Path = Field(
        default=Path("lake"), description="local folder: catalogue, data, lock, work files"
    )
    catalog: str = Field(
        default="sqlite", description='"sqlite", or "postgres:host=… dbname=…" for a team'
    )
    storage: str | None = Field(
        default=None, description='"s3://bucket/prefix" instead of the local folder'
    )
    s3: S3Settings = S3Settings()

    @field_validator("catalog")
    @classmethod
    def _known_catalog(cls, value: str) -> str:
        if value != "sqlite" and not value.startswith("postgres:"):
            raise ValueError('write "sqlite" or "postgres:host=… dbname=…"')
        if "password" in value.lower() or _URL_SECRET.search(value):
            raise ValueError("keep the password out of this file: use PGPASSWORD or ~/.pgpass")
        return value

    @field_validator("storage")
    @classmethod
    def _known_storage(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("s3://"):
            raise ValueError('write "s3://bucket/prefix", or leave it out for the local folder')
        return value


class EngineSettings(_Section):
    """Limits of the engine; what does not fit in memory goes to disk."""

    memory_limit: str = Field(default="800MB", description="DuckDB's memory; it spills past that")
    threads: int | None = Field(default=None, ge=1, description="default: all cores")
    temp_directory: Path | None = Field(default=None, description="default: inside the lake folder")


class RetentionSettings(_Section):
    """How long replaced data stays readable."""

    days: int = Field(default=30, ge=0, description="superseded deliveries and snapshots, in days")


class CurrencySettings(_Section):
    """One currency to report in, beside the currencies of the bills."""

    reporting: str | None = Field(
        default=None, pattern=r"^[A-Z]{3}$", description="ISO 4217 code, such as EUR"
    )
    rates: Path | None = Field(default=None, description="csv: month,from,to,rate")

    @model_validator(mode="after")
    def _both(self) -> "CurrencySettings":
        if (self.reporting is None) != (self.rates is None):
            raise ValueError("reporting and rates go together")
        return self


class ReconcileSettings(_Section):
    """What the bills are reconciled with: the invoices, in a file of the user's."""

    invoices: Path | None = Field(
        default=None, description="csv of invoices, or a file of FOCUS's InvoiceDetail"
    )
    rounding: Decimal = Field(
        default=Decimal(0),
        ge=0,
        allow_inf_nan=False,
        description="difference of an invoice that counts as rounding, in its currency",
    )


class Config(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(
        env_prefix="FINOPS_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    lake: LakeSettings = LakeSettings()
    engine: EngineSettings = EngineSettings()
    retention: RetentionSettings = RetentionSettings()
    sources: tuple[Source, ...] = Field(default=(), description="where bills arrive")
    vendor_folders: tuple[Path, ...] = Field(
        default=(), description="folders with vendors of your own"
    )
    account_names: Path | None = Field(default=None, description="csv with account_id,account_name")
    currency: CurrencySettings = CurrencySettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    checks: dict[str, Literal["gate", "warn", "ignore"]] = Field(
        default_factory=dict, description="severity by check id"
    )
    quality: QualitySettings = QualitySettings()

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, value: tuple[Source, ...]) -> tuple[Source, ...]:
        names = [source.name for source in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {', '.join(twice)}")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags above the environment, the environment above the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_config(path: Path, *, flags: dict[str, Any] | None = None) -> Config:
    """Read finops.toml; relative paths in it count from its folder.

    Raises: InputError when the file is missing, is not TOML or holds an unknown or wrong value.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there", hint='run "finops init" first, or give --config')

    class Loaded(Config):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        config = Loaded(**(flags or {}))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint="mend that line") from error
    except ValidationError as error:
        raise _explain(path, error) from error
    except SettingsError as error:
        raise InputError(
            f"environment: {error}", hint="write lists and tables there as JSON"
        ) from error
    anchored = _anchored(config, path.resolve().parent)
    _require_apart(path, anchored.sources)
    return anchored


def _require_apart(path: Path, sources: tuple[Source, ...]) -> None:
    """No bill may be found by two sources: its cost would count twice."""
    places = [_place(source) for source in sources]
    for inner, place in zip(sources, places, strict=True):
        for outer, around in zip(sources, places, strict=True):
            nested = place.startswith(around) and inner.vendor == outer.vendor
            if inner is not outer and (place == around or nested):
                raise InputError(
                    f"{path}: sources {outer.name} and {inner.name} both read {inner.location}:"
                    " its cost would count twice",
                    hint="remove one of them, or point them at folders beside each other",
                )


def _place(source: Source) -> str:
    """One spelling for one place, ending in a slash."""
    if "://" in source.location:
        return one_spelling(source.location, source.azure.account)
    return os.path.normpath(source.location).rstrip("/") + "/"


def _anchored(config: Config, folder: Path) -> Config:
    def anchor(value: Path | None) -> Path | None:
        return None if value is None else folder / value.expanduser()

    lake = config.lake.model_copy(update={"path": anchor(config.lake.path)})
    engine = config.engine.model_copy(
        update={"temp_directory": anchor(config.engine.temp_directory)}
    )
    sources = tuple(
        source
        if "://" in source.location
        else source.model_copy(
            update={"location": os.fspath(folder / Path(source.location).expanduser())}
        )
        for source in config.sources
    )
    return config.model_copy(
        update={
            "lake": lake,
            "engine": engine,
            "sources": sources,
            "vendor_folders": tuple(folder / p.expanduser() for p in config.vendor_folders),
            "account_names": anchor(config.account_names),
            "currency": config.currency.model_copy(update={"rates": anchor(config.currency.rates)}),
            "reconcile": config.reconcile.model_copy(
                update={"invoices": anchor(config.reconcile.invoices)}
            ),
        }
    )


def _explain(path: Path, error: ValidationError) -> InputError:
    """The first problem in the user's words: which key, what is wrong, the nearest known key."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(first["loc"][:-1])
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
        return InputError(f'{path}: "{place}" is not a setting', hint=hint)
    message = str(first["msg"]).removeprefix("Value error, ")
    return InputError(f"{path}: {place}: {message}", hint=f"mend {place} in {path.name}")


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Config
    sections: dict[str, type[BaseModel]] = {
        "lake": LakeSettings,
        "engine": EngineSettings,
        "retention": RetentionSettings,
        "sources": Source,
        "s3": S3Settings,
        "azure": AzureSettings,
        "gcs": GcsSettings,
        "bigquery": BigQuerySettings,
        "currency": CurrencySettings,
        "reconcile": ReconcileSettings,
        "quality": QualitySettings,
    }
    for part in place:
        model = sections.get(str(part), model)
    return list(model.model_fields)
