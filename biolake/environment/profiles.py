"""What a profile requires of settings, and what settings must be set together."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from biolake.environment.variables import variable_of

PRODUCTION = "production"


@dataclass(frozen=True)
class Requirement:
    """What production needs in a setting, and the schemes that its URL may have."""

    schemes: tuple[str, ...]
    needs: str
    remedy: str


PRODUCTION_NEEDS: Mapping[str, Requirement] = {
    "landing": Requirement(("s3",), "S3", "Set it to s3://bucket/prefix."),
    "lake": Requirement(("s3",), "S3", "Set it to s3://bucket/prefix."),
    "ledger": Requirement(
        ("postgresql", "postgresql+psycopg2"),
        "PostgreSQL",
        "Set it to postgresql://user@host/database, and BIOLAKE_LEDGER_PASSWORD or BIOLAKE_LEDGER_PASSWORD_FILE.",
    ),
    "index": Requirement(("http", "https"), "OpenSearch", "Set it to https://host:9200."),
}


def production_problems(urls: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Hold settings against what production needs.

    Args:
        urls: By field, the URL that would be used.
        given: By field, the variable that sets it; a field that nothing sets is not in it.

    Returns:
        By variable, what is wrong and what to do.
    """
    problems: dict[str, str] = {}
    for field, requirement in PRODUCTION_NEEDS.items():
        scheme = urlsplit(urls.get(field, "")).scheme
        if scheme in requirement.schemes:
            continue
        found = f"it is a {scheme}:// URL" if field in given else "it is not set"
        problems[variable_of(field)] = (
            f"the production profile needs {requirement.needs} here, and {found}. {requirement.remedy}"
        )
    return problems


def secret_in_url(password_field: str) -> str:
    """Say that production refuses a password within a URL."""
    secret = variable_of(password_field)
    return (
        "the URL holds a password, which the production profile refuses: URLs are printed and logged. Take it out of "
        f"the URL and set {secret} or {secret}_FILE."
    )


def togetherness_problems(values: Mapping[str, object]) -> dict[str, str]:
    """Find settings that make sense only with another."""
    problems: dict[str, str] = {}
    if values.get("index_user") and not values.get("index_password"):
        problems[variable_of("index_user")] = (
            "OpenSearch's user is set without a password. Set BIOLAKE_INDEX_PASSWORD or BIOLAKE_INDEX_PASSWORD_FILE."
        )
    if values.get("index_password") and not values.get("index_user"):
        problems[variable_of("index_password")] = "OpenSearch's password is set without a user. Set BIOLAKE_INDEX_USER."
    if values.get("events") and urlsplit(str(values.get("landing") or "")).scheme != "s3":
        problems[variable_of("events")] = "only a bucket of S3 tells events. Set BIOLAKE_LANDING to it, or unset this."
    problems.update(_trino_problems(values))
    return problems


def _trino_problems(values: Mapping[str, object]) -> dict[str, str]:
    url = str(values.get("trino_url") or "")
    if not url:
        if values.get("trino_password"):
            return {
                variable_of("trino_password"): "Trino's password is set without its address. Set BIOLAKE_TRINO_URL."
            }
        return {}
    problems: dict[str, str] = {}
    if values.get("trino_password") and urlsplit(url).scheme == "http":
        problems[variable_of("trino_url")] = "a password goes to Trino over https only. Set it to https://host:8443."
    if urlsplit(str(values.get("lake", ""))).scheme != "s3":
        problems[variable_of("lake")] = (
            "Trino reads a lake on S3, and BIOLAKE_TRINO_URL is set. Set it to s3://bucket/prefix."
        )
    return problems
