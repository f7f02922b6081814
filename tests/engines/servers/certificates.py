"""Certificates of a made-up authority for servers on the loopback."""

import subprocess
from pathlib import Path


def certify(folder: Path) -> Path:
    """Make an authority and the node's key and certificate in `folder`, and return the authority's certificate."""
    _openssl(folder, "req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca.key -out ca.pem -subj /O=local/CN=test-ca")
    _openssl(folder, "req -newkey rsa:2048 -nodes -keyout node.new -out node.csr -subj /O=local/CN=node")
    _openssl(folder, "pkcs8 -topk8 -nocrypt -in node.new -out node.key")
    (folder / "node.ext").write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n"
    )
    _openssl(
        folder,
        "x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out node.pem -extfile node.ext",
    )
    return folder / "ca.pem"


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)
