"""URLs in settings: their schemes, and passwords in them, which are taken out so that no message repeats them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from biolake.environment.variables import variable_of

_SECRET_PARAMETERS = ("password", "sslpassword")


@dataclass(frozen=True)
class UrlRule:
    """What a setting's URL may be.

    Attributes:
        schemes: Schemes that are understood.
        form: How to write it.
        user: The setting that takes a user found in the URL; None leaves it there.
        password: The setting that takes a password found in the URL; None allows none.
    """

    schemes: tuple[str, ...]
    form: str
    user: str | None = None
    password: str | None = None


RULES: Mapping[str, UrlRule] = {
    "landing": UrlRule(("file", "s3"), "s3://bucket/prefix or file:///folder"),
    "lake": UrlRule(("file", "s3"), "s3://bucket/prefix or file:///folder"),
    "ledger": UrlRule(
        ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg2"),
        "postgresql://user@host/database or sqlite:////file",
        password="ledger_password",  # noqa: S106 - a setting's name
    ),
    "index": UrlRule(
        ("file", "s3", "http", "https"),
        "https://host:9200, s3://bucket/prefix or file:///folder",
        user="index_user",
        password="index_password",  # noqa: S106 - a setting's name
    ),
    "events": UrlRule(("http", "https"), "https://sqs.<region>.amazonaws.com/<account>/<queue>"),
    "notifications": UrlRule(("http", "https"), "https://sqs.<region>.amazonaws.com/<account>/<queue>"),
    "trino_url": UrlRule(
        ("http", "https"),
        "https://host:8443",
        user="trino_user",
        password="trino_password",  # noqa: S106 - a setting's name
    ),
    "ui_url": UrlRule(("http", "https"), "https://host:3000"),
}


class UnusableUrl(ValueError):
    """A URL that a setting cannot have; the text never repeats it."""


@dataclass(frozen=True)
class PlainUrl:
    """A URL without secrets, and what was taken out of it by the name of the setting that has it now."""

    url: str
    taken: Mapping[str, str]


def plain_url(value: str, rule: UrlRule) -> PlainUrl:
    """Check a URL and take user and password out of it.

    Raises:
        UnusableUrl: With what is wrong and how to write it.
    """
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise UnusableUrl(f"it cannot be read as a URL. Write {rule.form}.{_elsewhere(rule)}") from None
    if parts.scheme not in rule.schemes:
        hint = " The scheme `postgres` is written postgresql." if parts.scheme == "postgres" else ""
        raise UnusableUrl(f"its scheme is {parts.scheme or 'missing'}. Write {rule.form}.{hint}")
    if parts.scheme == "s3" and not parts.netloc:
        raise UnusableUrl(f"it names no bucket. Write {rule.form}.")
    if parts.scheme in {"http", "https"} and not parts.hostname:
        raise UnusableUrl(f"it names no host. Write {rule.form}.")
    if parts.scheme in {"file", "s3"}:
        rule = replace(rule, user=None, password=None)
    if rule.password and parts.netloc and "@" in f"{parts.path}{parts.query}{parts.fragment}":
        # A password with / ? or # in it ends the host's part early: its rest would pass for a path.
        raise UnusableUrl(f"there is an @ behind the host. Write it as %40.{_elsewhere(rule)}")
    taken: dict[str, str] = {}
    netloc = _host_part(parts.netloc, rule, taken)
    query = _query(parts.query, rule, taken)
    if (netloc, query) == (parts.netloc, parts.query):
        return PlainUrl(value, {})
    return PlainUrl(urlunsplit(parts._replace(netloc=netloc, query=query)), taken)


def _host_part(netloc: str, rule: UrlRule, taken: dict[str, str]) -> str:
    information, at, host = netloc.rpartition("@")
    if not at:
        return netloc
    if rule.password is None:
        raise UnusableUrl("it names a user or a password, which this URL cannot have. S3 and SQS take AWS_* variables.")
    user, _, password = information.partition(":")
    if password:
        taken[rule.password] = unquote(password)
    if rule.user is None:
        return f"{user}@{host}" if user else host
    if user:
        taken[rule.user] = unquote(user)
    return host


def _query(query: str, rule: UrlRule, taken: dict[str, str]) -> str:
    named = parse_qsl(query, keep_blank_values=True) if rule.password else []
    if not any(name in _SECRET_PARAMETERS for name, _ in named):
        return query
    for name, secret in named:
        if name == "password" and rule.password:
            taken[rule.password] = secret
        elif name in _SECRET_PARAMETERS:
            raise UnusableUrl(f"it holds the secret {name}. Use a key file that needs no passphrase.")
    return urlencode([(name, said) for name, said in named if name not in _SECRET_PARAMETERS])


def _elsewhere(rule: UrlRule) -> str:
    return f" Passwords belong in {variable_of(rule.password)}." if rule.password else ""
