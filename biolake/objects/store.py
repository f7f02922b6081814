"""One object store: list, look at, fetch, put and delete objects. Built on obstore (https://developmentseed.org/obstore)."""

import errno
import hashlib
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, InvalidPathError

from biolake.objects.errors import (
    ObjectChanged,
    ObjectExists,
    ObjectNotFound,
    OutsideBucket,
    StoreUnavailable,
    UnsupportedUrl,
    UnusableKey,
)
from biolake.objects.models import ObjectVersion

_LOG = logging.getLogger(__name__)

_LISTING_CHUNK = 1000
_CONFLICT_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
# Local uploads that are not complete have such names; no listing tells them.
_STAGED = re.compile(r"#\d+$")


class ObjectStore:
    """Objects below one URL, `file:///folder` or `s3://bucket/prefix`.

    S3 credentials, region and endpoint are read from the usual `AWS_*` variables by obstore.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        """Open the store; nothing is read yet.

        Raises:
            UnsupportedUrl: `url` is neither `file://` nor `s3://`.
            StoreUnavailable: The folder does not exist.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"file", "s3"}:
            raise UnsupportedUrl(f"{url}: only file:// and s3:// URLs name an object store.")
        self.url = url.rstrip("/")
        self.folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._left_out: set[Path | str] = set()
        with self._failures("opening"):
            self._store: Any = obstore.store.from_url(url, config=dict(options or {}))  # type: ignore[call-overload]

    def uri(self, key: str) -> str:
        """The object's address for people and for provenance."""
        return f"{self.url}/{key}"

    def list(self, prefix: str = "") -> Iterator[ObjectVersion]:
        """Yield every object whose key lies in the folder `prefix`.

        Raises:
            StoreUnavailable: The listing could not be completed; what was yielded before is then not the whole.
        """
        folder = prefix.rstrip("/")
        with self._failures(f"listing {prefix or 'everything'}"):
            try:
                versions = list(self._listed(folder))
            except (InvalidPathError, BaseError) as error:
                if self.folder is None and not isinstance(error, InvalidPathError):
                    raise
                # One odd name ends the whole listing: every key is looked at by itself instead, more slowly.
                _LOG.debug("%s: %s", self.url, error)
                odd = self._named(folder) if self.folder is None else self._walked(self.folder / folder, ())
                versions = list(odd)
            yield from versions

    def _listed(self, folder: str) -> Iterator[ObjectVersion]:
        for chunk in obstore.list(self._store, prefix=folder or None, chunk_size=_LISTING_CHUNK):
            for meta in chunk:
                yield _version(meta)

    def _named(self, folder: str) -> Iterator[ObjectVersion]:
        """List a bucket with AWS's own library, leaving out the keys that obstore cannot name."""
        from botocore.exceptions import BotoCoreError, ClientError

        from biolake.objects.s3_listing import can_be_named, every_object

        try:
            for version in every_object(self.url, folder):
                if can_be_named(version.key):
                    yield version
                else:
                    self._leave_out(version.key, "its key has an empty part, `.`, `..` or a control character")
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"{self.url}: listing {folder or 'everything'}: {error}") from error

    def _walked(self, folder: Path, above: tuple[str, ...]) -> Iterator[ObjectVersion]:
        """List a local folder file by file, leaving out the names that no key can have.

        What cannot be read for another reason is raised: a file left out would look like a deleted one.
        """
        assert self.folder is not None
        above = (*above, os.path.realpath(folder))
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in entries:
            path = Path(entry.path)
            try:
                if entry.is_dir():
                    if os.path.realpath(path) in above:
                        self._leave_out(path, "it is a link to a folder above it")
                    else:
                        yield from self._walked(path, above)
                elif entry.is_file() and _STAGED.search(entry.name) is None:
                    yield _version(obstore.head(self._store, path.relative_to(self.folder).as_posix()))
            except FileNotFoundError:
                continue
            except ValueError as error:
                self._leave_out(path, str(error))
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                self._leave_out(path, "it is a link to itself")

    def _leave_out(self, path: Path | str, why: str) -> None:
        if path not in self._left_out:
            self._left_out.add(path)
            _LOG.warning("%s: %r is left out: %s. Delete or rename it.", self.url, str(path), why)

    def head(self, key: str) -> ObjectVersion:
        """Look at one object.

        Raises:
            ObjectNotFound: No object has that key.
            StoreUnavailable: The store did not answer.
        """
        with self._failures(key):
            return _version(obstore.head(self._store, key))

    def fetch(self, version: ObjectVersion, to: Path) -> str:
        """Write the bytes of `version` to the file `to` and return their sha256.

        Raises:
            ObjectChanged: The key now holds other bytes.
            ObjectNotFound: The object is gone.
            StoreUnavailable: The store did not answer.
        """
        digest = hashlib.sha256()
        with self._failures(version.key):
            result = obstore.get(self._store, version.key)
            self._same(version, _version(result.meta))
            with to.open("wb") as out:
                for chunk in result:
                    data = bytes(chunk)
                    digest.update(data)
                    out.write(data)
        return digest.hexdigest()

    def local(self, version: ObjectVersion) -> tuple[Path, str] | None:
        """Path and sha256 of an object that is a file on this machine, None for remote stores.

        Raises:
            ObjectChanged: The file is no longer that version.
            ObjectNotFound: The file is gone.
            OutsideBucket: The key is a link to a file outside the bucket.
        """
        if self.folder is None:
            return None
        path = self.folder / version.key
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise OutsideBucket(
                f"{self.uri(version.key)} is a link that leads out of the bucket; it is not read. Put the file itself "
                "in its place."
            )
        self.check_unchanged(version)
        with self._failures(version.key), path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return path, digest

    def check_unchanged(self, version: ObjectVersion) -> None:
        """Raise :class:`ObjectChanged` unless the key still holds `version`."""
        self._same(version, self.head(version.key))

    def get(self, key: str) -> bytes:
        """Return the whole object.

        Raises:
            ObjectNotFound: No object has that key.
        """
        with self._failures(key):
            return bytes(obstore.get(self._store, key).bytes())

    def put(self, key: str, data: bytes | Path, *, overwrite: bool = True) -> None:
        """Store bytes, or a file's bytes, under `key` in one step that readers see whole or not at all.

        Raises:
            ObjectExists: The key is taken and `overwrite` is False.
            StoreUnavailable: The store did not answer, or other writers of the key kept coming first.
        """
        for pause in (*_CONFLICT_PAUSES, None):
            try:
                with self._failures(key):
                    obstore.put(self._store, key, data, mode="overwrite" if overwrite else "create")
            except AlreadyExistsError as error:
                # obstore says the same of a key that is taken (412) and of a write beside another's (409), which S3
                # asks to be repeated: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
                if not overwrite and self._holds(key):
                    raise ObjectExists(
                        f"{self.uri(key)} exists already. Choose another name or overwrite it."
                    ) from error
                if pause is None:
                    raise StoreUnavailable(f"{self.uri(key)}: other writers kept coming first. Try again.") from error
                time.sleep(pause)
            else:
                return

    def _holds(self, key: str) -> bool:
        try:
            self.head(key)
        except ObjectNotFound:
            return False
        return True

    def delete(self, keys: Iterable[str]) -> None:
        """Remove the objects; keys that do not exist are no error."""
        for key in keys:
            with self._failures(key):
                try:
                    obstore.delete(self._store, key)
                except FileNotFoundError:
                    continue

    def _same(self, asked: ObjectVersion, found: ObjectVersion) -> None:
        if found.etag != asked.etag:
            raise ObjectChanged(
                f"{self.uri(asked.key)} changed while it was being read. Its new version is picked up by itself."
            )

    @contextmanager
    def _failures(self, doing: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise ObjectNotFound(f"{self.uri(doing)} does not exist (any more).") from error
        except InvalidPathError as error:
            raise UnusableKey(
                f"{self.url}: {doing}: {str(error).split(chr(10) * 2)[0]!r}. Delete or rename that object; until then "
                "nothing of the folder can be listed."
            ) from error
        except AlreadyExistsError:
            raise
        except (BaseError, OSError) as error:
            first_line = str(error).splitlines()[0]
            raise StoreUnavailable(f"{self.url}: {doing}: {first_line}") from error


def open_store(url: str, *, create: bool = False, options: Mapping[str, str] | None = None) -> ObjectStore:
    """Open the store at `url`; with `create` a missing local folder is made.

    Raises:
        UnsupportedUrl: The URL has another scheme.
        StoreUnavailable: The folder is missing or cannot be made.
    """
    parts = urlsplit(url)
    if create and parts.scheme == "file":
        try:
            Path(unquote(parts.path)).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"{url}: the folder cannot be made: {error}") from error
    return ObjectStore(url, options)


def _version(meta: Mapping[str, Any]) -> ObjectVersion:
    return ObjectVersion(
        key=meta["path"],
        etag=str(meta["e_tag"] or f"{meta['last_modified'].timestamp()}-{meta['size']}").strip('"'),
        size=meta["size"],
        modified=meta["last_modified"],
        version=meta["version"],
    )
