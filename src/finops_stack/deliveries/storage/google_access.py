"""What Google's storages share: credentials, and one message for one fault.

Credentials are the application default ones, found by google-auth, never ours.
"""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import google.auth
import requests
import urllib3
from google.api_core.exceptions import (
    BadRequest,
    GoogleAPICallError,
    NotFound,
    RetryError,
)
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError

from finops_stack.deliveries.storage.retry import DamagedError, keep_trying
from finops_stack.errors import FinopsError, InputError

T = TypeVar("T")

_PASSING = (408, 429, 500, 502, 503, 504)
_PASSING_REASONS = {"rateLimitExceeded", "backendError", "internalError", "jobBackendError"}
_NETWORK = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    TransportError,
    ConnectionError,
)
_LOGIN = (
    'run "gcloud auth application-default login", or set GOOGLE_APPLICATION_CREDENTIALS to'
    " the file of a service account"
)


def find_credentials(endpoint_url: str | None, scope: str, place: str) -> Any:
    """The application default credentials; none for an emulator, reached over http://."""
    if endpoint_url and endpoint_url.startswith("http://"):
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    # Of a user's own login it warns that it has no quota project; we set what is billed ourselves.
    warnings.filterwarnings("ignore", message="Your application has authenticated using end user")
    try:
        credentials, _ = google.auth.default(scopes=[scope])
    except DefaultCredentialsError as error:
        raise InputError(
            f"no Google credentials were found to read {place}: {_first_line(error)}", hint=_LOGIN
        ) from error
    return credentials


def ask(
    call: Callable[[], T],
    *,
    action: str,
    place: str,
    role: str,
    not_found: Callable[[NotFound], FinopsError],
) -> T:
    """Run a call; pass over what passes by itself, explain the rest.

    action: the permission that is needed; role: one that has it.
    """
    try:
        return keep_trying(call, passes=_passes, unreached=_unreached)
    except NotFound as error:
        raise not_found(error) from error
    except GoogleAPICallError as error:
        raise _explain(error, action, place, role) from error
    except DamagedError as error:
        raise InputError(
            f"{place}: {error}", hint="have it delivered again, then run again"
        ) from error
    except (*_NETWORK, RetryError) as error:
        raise FinopsError(
            f"{action} {place} failed: {_first_line(_cause(error) or error)}",
            hint="check the network, then run again",
        ) from error
    except GoogleAuthError as error:
        raise InputError(
            f"{action} {place}: the credentials were refused ({_refusal(error)})", hint=_LOGIN
        ) from error


def _explain(error: GoogleAPICallError, action: str, place: str, role: str) -> FinopsError:
    code, reason = error.code, _reason(error)
    if code == 401 or (code == 403 and reason not in ("quotaExceeded", "responseTooLarge")):
        return InputError(
            f"{action} {place} was refused ({reason})",
            hint=f'give the credentials {action}, as the role "{role}" does, or renew them',
        )
    if reason == "bytesBilledLimitExceeded":
        return InputError(
            f"{place}: the query would read more than maximum_bytes_billed",
            hint="raise it under [sources.bigquery]",
        )
    if isinstance(error, BadRequest):
        return InputError(
            f"{action} {place} is not possible: {_first_line(error.message)}",
            hint="check the source's location and settings",
        )
    return FinopsError(f"{action} {place} failed ({reason})", hint="run again later")


def _reason(error: GoogleAPICallError) -> str:
    """The server's word for it; its status where it has none (an answer of a proxy in between)."""
    for each in error.errors or ():
        if isinstance(each, dict) and each.get("reason"):
            return str(each["reason"])
    return str(error.reason or getattr(error.code, "value", error.code) or "unknown")


def _passes(error: BaseException) -> bool:
    """Whether a fault is of the kind that goes away by itself."""
    if isinstance(error, GoogleAPICallError):
        return error.code in _PASSING or _reason(error) in _PASSING_REASONS
    return isinstance(error, _NETWORK)


def _unreached(error: BaseException) -> bool:
    """A refused connection or an unknown name; a connection that broke was reached."""
    unreached = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return isinstance(error, requests.ConnectTimeout) or isinstance(_cause(error), unreached)


def _cause(error: BaseException) -> object:
    """What urllib3 says happened, which requests wraps in an error about attempts."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _refusal(error: GoogleAuthError) -> str:
    """The sentence before the server's whole answer, which google-auth appends."""
    return _first_line(error.args[0] if error.args else error)


def _first_line(error: object) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
