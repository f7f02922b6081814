"""AWS's clients as the doctor uses them: impatient, and with errors in a few words."""

import os
from typing import Any

_DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403", "Forbidden"}


def aws_client(service: str, **options: Any) -> Any:
    """A client that gives up soon, for the endpoint and region that the object stores use, too."""
    import boto3
    from botocore.config import Config

    endpoint = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    patience = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    chosen = {"endpoint_url": endpoint, "region_name": region, "config": patience, **options}
    # Not the session that all threads share: making clients of it is not safe, and it keeps the first credentials.
    return boto3.Session().client(service, **{name: value for name, value in chosen.items() if value})


def denied(error: Any) -> bool:
    """Whether a ClientError says that the credentials may not do this."""
    response = error.response
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return response.get("Error", {}).get("Code") in _DENIED or status == 403


def told(error: Any) -> str:
    """An error of an AWS client in a line."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    text = str(error).partition("\n")[0]
    return f"{code}: {error.response['Error'].get('Message', text)}" if code else text
