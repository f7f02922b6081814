"""TLS and passwords for a Trino: a certificate of a made-up authority, and a file of users.

Source: https://trino.io/docs/476/security/password-file.html
"""

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path

from tests.engines.servers.certificates import certify

_ROUNDS = 1000


def secure(folder: Path, users: Mapping[str, str], port: int) -> dict[str, object]:
    """Write certificates and users into `folder`, and return the settings of a node that asks for both on `port`.

    The authority's certificate is `ca.pem` in it.
    """
    certify(folder)
    (folder / "both.pem").write_text((folder / "node.key").read_text() + (folder / "node.pem").read_text())
    (folder / "users.db").write_text("".join(f"{name}:{_digest(password)}\n" for name, password in users.items()))
    (folder / "password-authenticator.properties").write_text(
        f"password-authenticator.name=file\nfile.password-file={folder}/users.db\n"
    )
    return {
        "http-server.https.enabled": "true",
        "http-server.https.port": port,
        "http-server.https.keystore.path": folder / "both.pem",
        "http-server.authentication.type": "PASSWORD",
        "password-authenticator.config-files": folder / "password-authenticator.properties",
        "internal-communication.shared-secret": secrets.token_hex(32),
    }


def _digest(password: str) -> str:
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, _ROUNDS, 64)
    return f"{_ROUNDS}:{salt.hex()}:{digest.hex()}"
