"""Bills in S3 or a server that speaks its protocol. Credentials: boto3's chain, never ours."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config as BotoConfig
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
)
from botocore.session import Session as BotoSession

from finops_stack.config import S3Settings
from finops_stack.deliveries.storage.base import ObjectInfo, changed, gone
from finops_stack.deliveries.storage.retry import keep_trying
from finops_stack.errors import FinopsError, InputError

T = TypeVar("T")

_CHUNK = 4 * 1024 * 1024
_PASSING = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling"}


class S3Prefix:
    """All objects whose key starts with a prefix."""

    def __init__(self, location: str, settings: S3Settings) -> None:
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        if not bucket:
            raise InputError(f"{location} names no bucket", hint="write s3://bucket/prefix")
        self.bucket: str | None = bucket
        self.prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        self.role_arn = settings.role_arn
        self.client = _client(settings)

    def list(self) -> list[ObjectInfo]:
        """Every object under the prefix, page by page."""

        def pages() -> list[ObjectInfo]:
            paginator = self.client.get_paginator("list_objects_v2")
            return [
                ObjectInfo(
                    item["Key"].removeprefix(self.prefix),
                    item["Size"],
                    item["ETag"].strip('"'),
                    item["LastModified"],
                )
                for page in paginator.paginate(Bucket=self.bucket, Prefix=self.prefix)
                for item in page.get("Contents", [])
                if not item["Key"].endswith("/")
            ]

        return self._try("s3:ListBucket", self.prefix, pages)

    def read(self, key: str) -> bytes:
        """One object's bytes."""

        def get() -> bytes:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)
            return bytes(answer["Body"].read())

        return self._try("s3:GetObject", key, get)

    def download(self, item: ObjectInfo, target: Path) -> str:
        """Exactly the listed version (If-Match); a short body is an error and tried again."""

        def get() -> str:
            answer = self.client.get_object(
                Bucket=self.bucket, Key=self.prefix + item.key, IfMatch=item.version
            )
            digest, size = hashlib.sha256(), 0
            with target.open("wb") as sink:
                for chunk in answer["Body"].iter_chunks(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    sink.write(chunk)
            if size != item.size_bytes:
                raise IncompleteReadError(actual_bytes=size, expected_bytes=item.size_bytes)
            return digest.hexdigest()

        return self._try("s3:GetObject", item.key, get)

    def _try(self, action: str, key: str, call: Callable[[], T]) -> T:
        """Run a call; pass over what passes by itself, explain the rest."""
        place = f"s3://{self.bucket}/{key if action == 's3:ListBucket' else self.prefix + key}"
        try:
            return keep_trying(call, passes=_passes, unreached=_unreached)
        except ClientError as error:
            if error.operation_name == "AssumeRole":
                action, place = "sts:AssumeRole", str(self.role_arn)
            raise _explain(error, action, place, str(self.bucket)) from error
        except NoCredentialsError as error:
            raise InputError(
                f"no AWS credentials were found to {action} {place}",
                hint="set AWS_PROFILE, or profile or role_arn under [sources.s3] in finops.toml",
            ) from error
        except (BotoCoreError, HTTPClientError) as error:
            raise FinopsError(
                f"{action} {place} failed: {error}", hint="check the network, then run again"
            ) from error


def _client(settings: S3Settings) -> Any:
    # It logs refused credentials with a traceback before it raises; we say it once, in our words.
    logging.getLogger("botocore").setLevel(logging.CRITICAL)
    try:
        session = boto3.Session(profile_name=settings.profile, region_name=settings.region)
        if settings.role_arn:
            session = _assume(session, settings, settings.role_arn)
        return session.client(
            "s3",
            endpoint_url=settings.endpoint_url,
            config=BotoConfig(
                retries={"max_attempts": 1},  # tenacity retries, with a budget of its own
                connect_timeout=10,
                read_timeout=60,
                s3={"addressing_style": "path"} if settings.endpoint_url else None,
            ),
        )
    except BotoCoreError as error:
        raise InputError(
            f"S3 cannot be set up: {error}", hint="check profile and role_arn under [sources.s3]"
        ) from error


def _assume(session: Any, settings: S3Settings, role_arn: str) -> Any:
    """A session whose credentials are those of the role, fetched anew before they expire."""
    extra = {"ExternalId": settings.external_id} if settings.external_id else {}

    def sts_client(*args: Any, **kwargs: Any) -> Any:
        return session._session.create_client(
            *args, **(kwargs | {"endpoint_url": settings.endpoint_url})
        )

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=sts_client,
        source_credentials=session.get_credentials(),
        role_arn=role_arn,
        extra_args={"RoleSessionName": "finops", **extra},
    )
    inner: Any = BotoSession()
    inner._credentials = DeferredRefreshableCredentials(
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )
    return boto3.Session(botocore_session=inner, region_name=settings.region)


def _passes(error: BaseException) -> bool:
    """Whether a fault is of the kind that goes away by itself."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status in (429, 500, 502, 503, 504) or _code(error) in _PASSING
    passing = ConnectionError | HTTPClientError | IncompleteReadError | FlexibleChecksumError
    return isinstance(error, passing)


def _unreached(error: BaseException) -> bool:
    return isinstance(error, EndpointConnectionError)


def _code(error: ClientError) -> str:
    """The server's word for it; its status where it has none (an answer of a proxy in between)."""
    code = error.response.get("Error", {}).get("Code")
    return str(code or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "unknown"))


def _explain(error: ClientError, action: str, place: str, bucket: str) -> FinopsError:
    """One message for one fault: what was asked for, what the server said, what to do."""
    code = _code(error)
    if code in ("PreconditionFailed", "412"):
        return changed(place)
    if code in ("NoSuchBucket",):
        return InputError(f"there is no bucket {bucket}", hint="check the source's location")
    if code in ("NoSuchKey", "404"):
        return gone(place)
    if code in ("PermanentRedirect", "301", "AuthorizationHeaderMalformed"):
        return InputError(
            f"bucket {bucket} lies in another region", hint="set region under [sources.s3]"
        )
    if code in ("RequestTimeTooSkewed",):
        return InputError(f"{action} {place}: this clock is off ({code})", hint="set the clock")
    if code in (
        "AccessDenied",
        "403",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
    ):
        return InputError(
            f"{action} {place} was refused ({code})",
            hint=f"give the credentials {action} on it, or renew them",
        )
    return FinopsError(f"{action} {place} failed ({code})", hint="run again later")
