"""A setting is taken from its variable or refused with its name and what to do; all that is wrong is told at once."""

import os
import pickle
import re
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.environment.errors import InvalidSetting
from biolake.environment.urls import RULES, UnusableUrl, plain_url
from biolake.settings import Settings

SECRET = "c0rrect-h0rse"
PRODUCTION = {
    "BIOLAKE_PROFILE": "production",
    "BIOLAKE_LANDING": "s3://uploads/landing",
    "BIOLAKE_LAKE": "s3://lake/tables",
    "BIOLAKE_LEDGER": "postgresql://biolake@db.example:5432/biolake",
    "BIOLAKE_LEDGER_PASSWORD": SECRET,
    "BIOLAKE_INDEX": "https://search.example:9200",
}


def refused(variables: dict[str, str]) -> dict[str, str]:
    """By variable, what the settings say about it."""
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment(variables)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    lines = str(caught.value).splitlines()
    return dict(line.split(": ", 1) for line in lines)


def test_everything_has_a_default(tmp_path: Path):
    found = Settings.from_environment({"BIOLAKE_HOME": str(tmp_path / "a b")})
    assert found.profile == "local"
    assert found.landing == (tmp_path / "a b" / "landing").as_uri()
    assert found.ledger == f"sqlite:///{tmp_path / 'a b' / 'ledger.db'}"


def test_production_takes_its_engines():
    found = Settings.from_environment(PRODUCTION)
    assert found.ledger == "postgresql://biolake@db.example:5432/biolake"
    assert found.ledger_password is not None
    assert found.ledger_password.get_secret_value() == SECRET


def test_production_names_everything_that_is_missing():
    found = refused({"BIOLAKE_PROFILE": "production", "BIOLAKE_LAKE": "file:///srv/lake"})
    assert set(found) == {f"BIOLAKE_{name}" for name in ("LANDING", "LAKE", "LEDGER", "INDEX")}
    assert found["BIOLAKE_LANDING"].endswith("it is not set. Set it to s3://bucket/prefix.")
    assert "it is a file:// URL" in found["BIOLAKE_LAKE"]
    assert "BIOLAKE_LEDGER_PASSWORD_FILE" in found["BIOLAKE_LEDGER"]


@pytest.mark.parametrize("missing", ["LANDING", "LAKE", "LEDGER", "INDEX"])
def test_production_does_without_none_of_its_engines(missing: str):
    variables = {name: value for name, value in PRODUCTION.items() if name != f"BIOLAKE_{missing}"}
    assert set(refused(variables)) == {f"BIOLAKE_{missing}"}


def test_every_kind_of_mistake_is_told_at_once(tmp_path: Path):
    found = refused(
        {
            "BIOLAKE_LOT_DATASETS": "many",
            "BIOLAKE_LANDING": "https://somewhere",
            "BIOLAKE_LEDGER_PASSWORD": SECRET,
            "BIOLAKE_LEDGER_PASSWORD_FILE": str(tmp_path / "password"),
            "BIOLAKE_INDEX_USER": "me",
            "BIOLAKE_INDEX_PASSWORD_FILE": str(tmp_path / "nowhere"),
            "BIOLAKE_INDEX_CA": str(tmp_path / "ca.pem"),
            "BIOLAKE_ACTIVE_LOT": "3",
        }
    )
    assert set(found) == {
        "BIOLAKE_LOT_DATASETS",
        "BIOLAKE_LANDING",
        "BIOLAKE_LEDGER_PASSWORD",
        "BIOLAKE_INDEX_PASSWORD_FILE",
        "BIOLAKE_INDEX_CA",
        "BIOLAKE_ACTIVE_LOT",
    }
    assert found["BIOLAKE_ACTIVE_LOT"].endswith("Did you mean BIOLAKE_ACTIVE_LOTS?")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("BIOLAKE_LEDGR", "BIOLAKE_LEDGER"),
        ("BIOLAKE_INDEX_PASSWRD", "BIOLAKE_INDEX_PASSWORD"),
        ("BIOLAKE_LAKE_FILE", "BIOLAKE_LAKE"),
        ("BIOLAKE_WEBHOOK_", "biolake settings"),
        ("BIOLAKE_NOTHING_LIKE_IT_AT_ALL", "biolake settings"),
    ],
)
def test_a_name_that_nobody_reads_is_refused(name: str, near: str):
    assert near in refused({name: "x"})[name]


def test_names_that_others_read_are_left_alone():
    Settings.from_environment(
        {
            "BIOLAKE_WEBHOOK_STUDY_TEAM": "https://example/hook",
            "BIOLAKE_TEST_DATA": "/data",
            "BIOLAKE_UI_URL": "http://127.0.0.1:3000",
            # What Kubernetes says about Services called biolake and biolake-ui.
            "BIOLAKE_SERVICE_HOST": "10.0.0.1",
            "BIOLAKE_SERVICE_PORT_HTTP": "80",
            "BIOLAKE_PORT": "tcp://10.0.0.1:80",
            "BIOLAKE_UI_PORT_80_TCP_ADDR": "10.0.0.1",
        }
    )


def test_every_variable_in_the_tree_is_known():
    """A variable that some module reads and the settings refuse would stop every command."""
    root = Path(__file__).resolve().parents[2]
    here = Path(__file__).resolve().parent
    folders = ("biolake", "platform_assets", "resources", "sensors", "partitions", "benchmarks", "tests", "deploy")
    files = [path for name in folders for path in (root / name).rglob("*") if path.suffix in {".py", ".yaml", ".sh"}]
    named = {
        name
        for path in files
        if not path.is_relative_to(here) and path.name != "test_settings_command.py"
        for name in re.findall(r"[\"'$ {\[]\s*(BIOLAKE_[A-Z0-9_]*[A-Z0-9])\b", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 5
    unknown = []
    for name in sorted(named - {"BIOLAKE_ERROR"}):
        try:
            Settings.from_environment({name: ""})
            Settings.from_environment({name: "1"})
        except InvalidSetting as error:
            if "no setting has that name" in str(error):
                unknown.append(name)
    assert unknown == []


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_from_a_file(tmp_path: Path, ending: str):
    path = tmp_path / "password"
    path.write_bytes(f"{SECRET} {ending}".encode())
    found = Settings.from_environment({"BIOLAKE_LEDGER_PASSWORD_FILE": str(path)})
    assert found.ledger_password is not None
    assert found.ledger_password.get_secret_value() == f"{SECRET} "


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 70_000])
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes):
    path = tmp_path / "password"
    path.write_bytes(content)
    assert str(path) in refused({"BIOLAKE_LEDGER_PASSWORD_FILE": str(path)})["BIOLAKE_LEDGER_PASSWORD_FILE"]


def test_a_folder_is_no_secret(tmp_path: Path):
    found = refused({"BIOLAKE_LEDGER_PASSWORD_FILE": str(tmp_path)})
    assert "cannot be read" in found["BIOLAKE_LEDGER_PASSWORD_FILE"]


def test_an_empty_variable_is_not_set(tmp_path: Path):
    found = Settings.from_environment(
        {"BIOLAKE_LANDING": "", "BIOLAKE_LEDGER_PASSWORD": "", "BIOLAKE_LEDGER_PASSWORD_FILE": ""}, home=tmp_path
    )
    assert found.landing == (tmp_path / "landing").as_uri()
    assert found.ledger_password is None


@pytest.mark.parametrize(
    ("variable", "url", "secret"),
    [
        ("LEDGER", f"postgresql://biolake:{SECRET}@db/biolake", "LEDGER_PASSWORD"),
        ("LEDGER", f"postgresql://biolake@db/biolake?password={SECRET}", "LEDGER_PASSWORD"),
        ("INDEX", f"https://biolake:{SECRET}@search:9200", "INDEX_PASSWORD"),
    ],
)
def test_a_password_in_a_url(variable: str, url: str, secret: str):
    local = Settings.from_environment({f"BIOLAKE_{variable}": url})
    assert getattr(local, secret.lower()).get_secret_value() == SECRET
    assert SECRET not in f"{local!r}{local}{local.model_dump()}{local.model_dump_json()}"
    found = refused({**PRODUCTION, f"BIOLAKE_{variable}": url})
    assert f"set BIOLAKE_{secret} or BIOLAKE_{secret}_FILE" in found[f"BIOLAKE_{variable}"]


def test_a_password_in_the_url_and_beside_it():
    found = refused({"BIOLAKE_LEDGER": "postgresql://a:b@db/x", "BIOLAKE_LEDGER_PASSWORD": SECRET})
    assert "Take it out of the URL" in found["BIOLAKE_LEDGER"]


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("LEDGER", f"postgresql://biolake:{SECRET}/x@db/biolake"),
        ("LEDGER", f"postgresql://biolake:12?{SECRET}@db/biolake"),
        ("LEDGER", f"postgresql://biolake:12#{SECRET}@db/biolake"),
        ("LEDGER", f"postgres://biolake:{SECRET}@db/biolake"),
        ("LEDGER", f"postgresql://biolake@db/x?sslpassword={SECRET}"),
        ("LEDGER", f"mysql://biolake:{SECRET}@db/biolake"),
        ("LANDING", f"s3://key:{SECRET}@bucket/prefix"),
        ("LANDING", f"https://key:{SECRET}@host/bucket"),
        ("LANDING", "s3:///prefix"),
        ("LAKE", "/srv/lake"),
        ("INDEX", f"https://admin:{SECRET}/@search:9200"),
        ("INDEX", "https://"),
        ("INDEX", f"s3://key:{SECRET}@bucket/index"),
        ("EVENTS", f"https://key:{SECRET}@sqs.example/1/q"),
        ("EVENTS", "arn:aws:sqs:eu-central-1:1:q"),
    ],
)
def test_a_url_that_cannot_be(variable: str, url: str):
    assert (
        "Write " in (said := refused({f"BIOLAKE_{variable}": url})[f"BIOLAKE_{variable}"])
        or "AWS_" in said
        or ("key file" in said)
    )


@given(
    st.sampled_from(["ledger", "index"]),
    st.text("abc:/?#@%[] \u00e9\u4e2d", min_size=1, max_size=12),
    st.booleans(),
)
def test_no_password_survives_in_a_url(name: str, password: str, encoded: bool):
    """However it is written, the password is taken out whole, or the URL is refused without repeating it."""
    from urllib.parse import quote

    scheme = "postgresql" if name == "ledger" else "https"
    marked = f"{password}Z7"
    url = f"{scheme}://me:{quote(marked, safe='') if encoded else marked}@host/x"
    said = ""
    try:
        plain = plain_url(url, RULES[name])
    except UnusableUrl as error:
        said = str(error)
        plain = None
    if plain is None:
        assert not encoded
        assert "Z7" not in said
        return
    assert "Z7" not in plain.url
    assert RULES[name].password in plain.taken
    if encoded:
        assert plain.taken[str(RULES[name].password)] == marked


def test_an_at_sign_in_a_place_is_no_password():
    for name, url in {
        "ledger": "sqlite:////srv/a@b/ledger.db",
        "index": "s3://bucket/a@b",
        "lake": "file:///a@b",
    }.items():
        assert getattr(Settings.from_environment({f"BIOLAKE_{name.upper()}": url}), name) == url


def test_settings_that_need_each_other():
    assert "without a password" in refused({"BIOLAKE_INDEX_USER": "a"})["BIOLAKE_INDEX_USER"]
    assert "without a user" in refused({"BIOLAKE_INDEX_PASSWORD": SECRET})["BIOLAKE_INDEX_PASSWORD"]


def test_events_are_those_of_a_bucket():
    queue = "https://sqs.eu-central-1.amazonaws.com/123456789012/uploads"
    assert "only a bucket of S3" in refused({"BIOLAKE_EVENTS": queue})["BIOLAKE_EVENTS"]
    found = Settings.from_environment({"BIOLAKE_EVENTS": queue, "BIOLAKE_LANDING": "s3://bucket/landing"})
    assert found.events == queue


def test_where_each_value_comes_from(tmp_path: Path):
    path = tmp_path / "password"
    path.write_text(SECRET)
    _, origins = Settings.with_origins(
        {
            "BIOLAKE_HOME": str(tmp_path),
            "BIOLAKE_INDEX": f"https://admin:{SECRET}@search:9200",
            "BIOLAKE_LEDGER_PASSWORD_FILE": str(path),
        }
    )
    assert origins["home"] == "BIOLAKE_HOME"
    assert origins["landing"] == "under BIOLAKE_HOME"
    assert origins["index_password"] == "BIOLAKE_INDEX (in the URL)"
    assert origins["ledger_password"] == f"BIOLAKE_LEDGER_PASSWORD_FILE ({path})"
    assert origins["lot_bytes"] == "default"


def test_settings_do_not_print_secrets():
    found = Settings.from_environment(PRODUCTION)
    assert SECRET not in f"{found!r}{found}{found.model_dump()}{found.model_dump_json()}"
    assert SECRET in str(pickle.dumps(found)), "a worker process of the platform gets them"


def test_the_environment_is_read_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A secret that was rotated in its mounted file is used from the next command, tick or run on."""
    for name in [name for name in os.environ if name.startswith("BIOLAKE_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "password"
    monkeypatch.setenv("BIOLAKE_LEDGER_PASSWORD_FILE", str(path))
    for said in ("old", "new"):
        path.write_text(said)
        found = Settings.from_environment().ledger_password
        assert found is not None
        assert found.get_secret_value() == said


TRINO = {"BIOLAKE_TRINO_URL": "https://trino.example:8443", "BIOLAKE_LAKE": "s3://lake/tables"}


def test_trino_answers_where_it_is_named():
    found = Settings.from_environment(TRINO | {"BIOLAKE_TRINO_PASSWORD": SECRET})
    assert (found.trino_url, found.trino_user, found.trino_catalog) == ("https://trino.example:8443", "biolake", "lake")
    assert Settings.from_environment({}).trino_url is None


@pytest.mark.parametrize(
    ("changed", "variable", "said"),
    [
        ({"BIOLAKE_LAKE": "file:///srv/lake"}, "BIOLAKE_LAKE", "Trino reads a lake on S3"),
        ({"BIOLAKE_LAKE": ""}, "BIOLAKE_LAKE", "Trino reads a lake on S3"),
        (
            {"BIOLAKE_TRINO_URL": "http://trino.example", "BIOLAKE_TRINO_PASSWORD": SECRET},
            "BIOLAKE_TRINO_URL",
            "over https only",
        ),
        ({"BIOLAKE_TRINO_URL": "", "BIOLAKE_TRINO_PASSWORD": SECRET}, "BIOLAKE_TRINO_PASSWORD", "BIOLAKE_TRINO_URL"),
        ({"BIOLAKE_TRINO_URL": "s3://x/y"}, "BIOLAKE_TRINO_URL", "its scheme is s3"),
        ({"BIOLAKE_TRINO_CATALOG": "my-lake"}, "BIOLAKE_TRINO_CATALOG", "pattern"),
    ],
)
def test_trino_is_set_with_what_it_needs(changed: dict[str, str], variable: str, said: str):
    assert said in refused(TRINO | changed)[variable]
