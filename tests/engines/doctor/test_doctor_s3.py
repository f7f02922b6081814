"""What `biolake doctor` says of a real S3 server: in order, without rights, without its bucket, at another time."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from biolake.cli.main import app
from tests.engines.servers.missing import unavailable
from tests.engines.servers.proxy import Answer, Ask, Request, proxy
from tests.engines.servers.versitygw import S3Server, tools

Findings = dict[str, tuple[str, str, str]]
STORES = ("landing", "lake")


@pytest.fixture(scope="module")
def guarded_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server with users that may do nothing until a bucket's policy says so."""
    if missing := tools():
        unavailable(missing)
    server = S3Server(tmp_path_factory.mktemp("s3"), {"reader": "reader-s3cret", "stranger": "stranger-s3cret"})
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(guarded_s3: S3Server) -> str:
    name = f"b{uuid.uuid4().hex[:12]}"
    guarded_s3.make_bucket(name)
    return name


@pytest.fixture
def doctor(
    guarded_s3: S3Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Findings]]:
    """Asks with the owner's variables, of which some may be replaced; returns what it says of each store."""

    def ask(**variables: str) -> dict[str, Findings]:
        defaults = {
            **guarded_s3.environment,
            "BIOLAKE_HOME": str(tmp_path / "home"),
            "BIOLAKE_LANDING": f"s3://{bucket}/landing",
            "BIOLAKE_LAKE": f"s3://{bucket}/lake",
        }
        for name, value in (defaults | variables).items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(app, ["doctor", "--json"])
        assert "s3cret" not in done.stdout
        assert "tester-secret" not in done.stdout
        told = json.loads(done.stdout)["findings"]
        found: dict[str, Findings] = {store: {} for store in STORES}
        for one in told:
            if one["engine"] in STORES:
                found[one["engine"]][one["check"]] = (one["verdict"], one["found"], one["remedy"])
        problems = [one for one in told if one["verdict"] == "problem" and one["engine"] != "machine"]
        assert {one["engine"] for one in problems} <= set(STORES)
        assert all(one["remedy"] for one in problems)
        assert done.exit_code == 1 or not problems
        return found

    return ask


def of_user(name: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": f"{name}-s3cret"}


def test_a_store_in_order(doctor: Callable[..., dict[str, Findings]]) -> None:
    for found in doctor().values():
        assert {verdict for verdict, _, _ in found.values()} == {"ok"}
        assert {"reachable", "clock", "versioning", "list", "put", "get", "delete"} <= set(found)
    assert doctor()["lake"]["conditional put"][0] == "ok"


def test_versioning_that_is_off(doctor: Callable[..., dict[str, Findings]], guarded_s3: S3Server, bucket: str) -> None:
    plain = guarded_s3.make_bucket(f"{bucket}-plain", versioned=False)
    verdict, said, remedy = doctor(BIOLAKE_LANDING=f"{plain}/landing")["landing"]["versioning"]
    assert (verdict, said) == ("warning", "off")
    assert f"Turn versioning on for {bucket}-plain" in remedy
    guarded_s3.client().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert doctor()["lake"]["versioning"][:2] == ("warning", "suspended")


def test_credentials_that_may_only_read(
    doctor: Callable[..., dict[str, Findings]], guarded_s3: S3Server, bucket: str
) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ["reader"]},
                "Action": ["s3:ListBucket", "s3:GetObject", "s3:GetBucketVersioning"],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            }
        ],
    }
    guarded_s3.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    for store, found in doctor(**of_user("reader")).items():
        assert {check for check, (verdict, _, _) in found.items() if verdict == "problem"} == {"put"}
        assert f"Allow s3:PutObject on s3://{bucket}/{store} (BIOLAKE_{store.upper()})" in found["put"][2]


def test_credentials_that_may_nothing(doctor: Callable[..., dict[str, Findings]], bucket: str) -> None:
    for store, found in doctor(**of_user("stranger")).items():
        verdict, said, remedy = found["reachable"]
        assert verdict == "problem"
        assert "AccessDenied" in said
        assert f"Allow s3:ListBucket on {bucket}, which BIOLAKE_{store.upper()} names" in remedy


def test_a_bucket_that_is_missing(doctor: Callable[..., dict[str, Findings]]) -> None:
    found = doctor(BIOLAKE_LANDING="s3://nobody-made-it/landing")
    verdict, said, remedy = found["landing"]["reachable"]
    assert (verdict, "NoSuchBucket" in said) == ("problem", True)
    assert "Make the bucket nobody-made-it, or correct BIOLAKE_LANDING" in remedy
    assert found["lake"]["reachable"][0] == "ok"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [("AWS_ACCESS_KEY_ID", "InvalidAccessKeyId"), ("AWS_SECRET_ACCESS_KEY", "SignatureDoesNotMatch")],
)
def test_a_wrong_key(doctor: Callable[..., dict[str, Findings]], wrong: str, code: str) -> None:
    for found in doctor(**{wrong: "mistyped-s3cret"}).values():
        verdict, said, remedy = found["reachable"]
        assert (verdict, code in said) == ("problem", True), (said, remedy)
        assert remedy.startswith(f"Correct {wrong}")


@pytest.mark.parametrize(("minutes", "said"), [(5, "ahead of"), (-5, "behind")])
def test_a_store_whose_clock_is_wrong(
    doctor: Callable[..., dict[str, Findings]], guarded_s3: S3Server, minutes: int, said: str
) -> None:
    def dated(request: Request, ask: Ask) -> Answer:
        answer = ask(request)
        date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
        headers = [(name, date if name.lower() == "date" else value) for name, value in answer.headers]
        return replace(answer, headers=headers)

    with proxy(guarded_s3.endpoint, dated) as address:
        found = doctor(AWS_ENDPOINT_URL=address)
    for store in STORES:
        verdict, told, remedy = found[store]["clock"]
        assert (verdict, said in told) == ("problem", True)
        assert "keep time" in remedy


def test_a_machine_whose_clock_is_so_wrong_that_it_is_refused(
    doctor: Callable[..., dict[str, Findings]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import botocore.auth

    real = botocore.auth.get_current_datetime
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda *given, **named: real(*given, **named) - timedelta(hours=2)
    )
    for found in doctor().values():
        verdict, said, remedy = found["reachable"]
        assert (verdict, "RequestTimeTooSkewed" in said) == ("problem", True)
        assert "Correct this machine's clock" in remedy
