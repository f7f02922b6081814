"""Short questions to a server over HTTP, with the trouble of reaching it told as findings."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biolake.doctor.models import Finding, problem

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr


@contextmanager
def http_client(
    url: str, user: str | None, password: "SecretStr | None", authority: Path | None, headers: Mapping[str, str]
) -> Iterator["httpx.Client"]:
    """A client that gives up soon."""
    import httpx

    verify: Any = ssl.create_default_context(cafile=str(authority)) if authority else True
    auth = (user, password.get_secret_value()) if user and password else None
    with httpx.Client(base_url=url, auth=auth, verify=verify, timeout=8.0, headers=headers) as client:
        yield client


def unreachable(engine: str, setting: str, url: str, error: Exception) -> Finding:
    """Say why a server was not reached.

    Args:
        engine: Whose server.
        setting: The variable with its URL.
        url: The URL, without secrets.
        error: What the client raised.
    """
    import httpx

    text = f"{url}: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return problem(engine, "reachable", text, f"Set {setting}_CA to the file of the authority that signed it.")
    if isinstance(error, httpx.RemoteProtocolError) and url.startswith("http://"):
        return problem(engine, "reachable", text, f"Where the server speaks TLS, write https:// in {setting}.")
    if isinstance(error, httpx.TimeoutException):
        return problem(engine, "reachable", text, "See that no firewall is between, and that it is not overloaded.")
    return problem(engine, "reachable", text, f"Start it, or correct {setting}.")
