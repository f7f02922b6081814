"""An S3 server: versitygw (https://github.com/versity/versitygw) over a folder, built with Go."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.engines.servers.cache import built
from tests.engines.servers.missing import has_go, lacking
from tests.engines.servers.process import ServerProcess, free_port

VERSION = "v1.8.0"


class S3Server:
    """S3 on the loopback; buckets are folders, their versions a folder beside."""

    def __init__(self, folder: Path, users: Mapping[str, str] | None = None) -> None:
        """Choose a port; `start` runs it.

        Args:
            folder: Where its buckets are.
            users: Secrets by access key, beside the owner of everything; what each may do, buckets' policies say.
        """
        self._folder = folder
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "tester-secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
            "AWS_CONDITIONAL_PUT": "etag",
        }
        objects, versions = folder / "objects", folder / "versions"
        for place in (objects, versions):
            place.mkdir(parents=True, exist_ok=True)
        self._process = ServerProcess(
            [
                str(build()),
                "--port",
                f"127.0.0.1:{self.port}",
                *_with_users(folder / "users", users or {}),
                "posix",
                "--versioning-dir",
                str(versions),
                str(objects),
            ],
            folder / "server.log",
            self._answers,
            environment={"ROOT_ACCESS_KEY": "tester", "ROOT_SECRET_KEY": "tester-secret"},
        )
        self.start, self.stop, self.kill = self._process.start, self._process.stop, self._process.kill
        self.restart = self._process.restart

    def make_bucket(self, name: str, *, versioned: bool = True) -> str:
        """Make a bucket and return its URL."""
        client = self.client()
        client.create_bucket(Bucket=name)
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return f"s3://{name}"

    def client(self):
        """A client of AWS's own library."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id="tester",
            aws_secret_access_key="tester-secret",
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint, timeout=2)
        except urllib.error.HTTPError:
            return True
        return True


def _with_users(folder: Path, users: Mapping[str, str]) -> list[str]:
    """Write the accounts down and return the options that have them read."""
    if not users:
        return []
    folder.mkdir()
    accounts = {key: {"access": key, "secret": secret, "role": "user"} for key, secret in users.items()}
    (folder / "users.json").write_text(json.dumps({"accessAccounts": accounts}))
    return ["--iam-dir", str(folder)]


def tools() -> str | None:
    """What is missing to build it; None where nothing is."""
    return lacking("versitygw", {"Go 1.21 or newer": has_go()})


def build() -> Path:
    """Return the server's program."""

    def install(place: Path) -> None:
        subprocess.run(
            ["go", "install", f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"],
            env={**os.environ, "GOBIN": str(place), "GOFLAGS": "-p=2"},
            check=True,
        )

    return built(f"versitygw-{VERSION}", install) / "versitygw"
