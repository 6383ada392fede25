"""How DuckDB opens the lake's bucket."""

from dataclasses import dataclass

import duckdb

from finops_stack.errors import InputError
from finops_stack.warehouse.sql import quote_text


@dataclass(frozen=True)
class S3Access:
    """Where S3 is; the keys are in the AWS credential chain and nowhere here."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None


def create_s3_secret(connection: duckdb.DuckDBPyConnection, s3: S3Access, storage: str) -> None:
    """Tell DuckDB where S3 is and the keys; they are bound values, in memory, never SQL text.

    boto3 finds the keys, as everywhere else: DuckDB's own chain does not read keys of a profile in
    ~/.aws/config.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        session = boto3.Session(profile_name=s3.profile, region_name=s3.region)
        found = session.get_credentials()
        keys = found.get_frozen_credentials() if found else None
    except (BotoCoreError, ClientError) as error:
        raise InputError(
            f"no AWS credentials for the lake's storage {storage}: {error}",
            hint="check profile under [lake.s3] in finops.toml",
        ) from error
    if keys is None:
        raise InputError(
            f"no AWS credentials were found for the lake's storage {storage}",
            hint="set AWS_PROFILE, or profile under [lake.s3] in finops.toml",
        )
    values = {"key_id": keys.access_key, "secret": keys.secret_key}
    values |= {"session_token": keys.token} if keys.token else {}
    options = ["type s3", *(f"{name} ${name}" for name in values)]
    options += _s3_place(s3.endpoint_url, session.region_name)
    connection.execute(f"create or replace secret lake_storage ({', '.join(options)})", values)


def _s3_place(endpoint_url: str | None, region: str | None) -> list[str]:
    options = [f"region {quote_text(region)}"] if region else []
    if endpoint_url:
        scheme, _, host = endpoint_url.partition("://")
        options += [
            f"endpoint {quote_text(host.rstrip('/'))}",
            f"use_ssl {str(scheme == 'https').lower()}",
            "url_style 'path'",
        ]
    return options
