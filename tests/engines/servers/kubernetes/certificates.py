"""Keys, certificates and kubeconfigs of a cluster that lives for one run of the tests."""

import json
import subprocess
from pathlib import Path

_DAYS = "30"


class Authority:
    """Signs for one cluster; everything is under one folder."""

    def __init__(self, folder: Path, server: str) -> None:
        """Make the authority's own key.

        Args:
            folder: Where keys and certificates go.
            server: URL of the API server, for kubeconfigs.
        """
        self.folder = folder
        self.server = server
        folder.mkdir(parents=True, exist_ok=True)
        self._key("ca")
        self._openssl(
            *("req", "-x509", "-new", "-key", self.key("ca"), "-subj", "/CN=biolake-test", "-days", _DAYS),
            *("-out", self.certificate("ca")),
        )
        self._key("service-accounts")

    def key(self, name: str) -> str:
        """Path of a key."""
        return str(self.folder / f"{name}.key")

    def certificate(self, name: str) -> str:
        """Path of a certificate."""
        return str(self.folder / f"{name}.crt")

    def issue(self, name: str, subject: str, alternative_names: str | None = None) -> None:
        """Make a key and its certificate, for a client and, with alternative names, for a server."""
        self._key(name)
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        self._openssl("req", "-new", "-key", self.key(name), "-subj", subject, "-out", str(request))
        lines = ["keyUsage=digitalSignature", "extendedKeyUsage=clientAuth,serverAuth"]
        lines += [f"subjectAltName={alternative_names}"] if alternative_names else []
        extensions.write_text("\n".join(lines) + "\n")
        self._openssl(
            *("x509", "-req", "-in", str(request), "-CA", self.certificate("ca"), "-CAkey", self.key("ca")),
            *("-CAcreateserial", "-days", _DAYS, "-out", self.certificate(name), "-extfile", str(extensions)),
        )

    def kubeconfig(self, name: str, path: Path) -> Path:
        """Write how the holder of a certificate reaches the API server."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name, "namespace": "default"}}],
            "clusters": [
                {"name": "test", "cluster": {"server": self.server, "certificate-authority": self.certificate("ca")}}
            ],
            "users": [
                {"name": name, "user": {"client-certificate": self.certificate(name), "client-key": self.key(name)}}
            ],
        }
        path.write_text(json.dumps(document))
        return path

    def _key(self, name: str) -> None:
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key(name))

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
