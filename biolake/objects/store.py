"""One object store: list, look at, fetch, put and delete objects. Built on obstore (https://developmentseed.org/obstore)."""

import hashlib
import logging
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
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

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ClientConfig

_LOG = logging.getLogger(__name__)

_LISTING_CHUNK = 1000
_FEW = 50
_CONFLICT_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
# A larger body is not sent to a key that is taken: S3 answers before it has read it, which ends the connection.
_ASK_FIRST = 1024 * 1024
_WRITER = "biolake-writer"


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
        chosen: Any = dict(options or {})
        with self._failures("opening"):
            self._store: Any = obstore.store.from_url(
                url, config=chosen, client_options=_client_options(chosen) if parts.scheme == "s3" else None
            )

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
                versions = list(self._named(folder) if self.folder is None else self._walked(folder))
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
            for version in every_object(self.url, folder, self._store.config):
                if can_be_named(version.key):
                    yield version
                else:
                    self._leave_out(version.key, "its key has an empty part, `.`, `..` or a control character")
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"{self.url}: listing {folder or 'everything'}: {error}") from error

    def _walked(self, folder: str) -> Iterator[ObjectVersion]:
        """List a local folder file by file, leaving out the names that no key can have."""
        from biolake.objects.folder_listing import every_file

        assert self.folder is not None
        for path in every_file(self.folder / folder, self._leave_out):
            try:
                yield _version(obstore.head(self._store, path.relative_to(self.folder).as_posix()))
            except FileNotFoundError:
                continue
            except ValueError as error:
                self._leave_out(path, str(error))

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

    def head_by_listing(self, key: str) -> ObjectVersion:
        """Look at one object as a listing tells of it, which it does of objects that the reader may not even look at.

        S3 answers a look at an object under its owner's own key with 400
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html), and one at an
        object that is forbidden with 403.

        Raises:
            ObjectNotFound: No object has that key.
            StoreUnavailable: The store did not answer.
        """
        with self._failures(key):
            folder = key.rpartition("/")[0]
            # On S3 keys come in order, and what begins another sorts before it.
            before = None if self.folder is not None else key[:-1]
            for chunk in obstore.list(self._store, prefix=folder or None, offset=before, chunk_size=_FEW):
                for meta in chunk:
                    if meta["path"] == key:
                        return _version(meta)
                if before is not None and chunk and chunk[-1]["path"] > key:
                    break
            raise FileNotFoundError(key)

    def check_reachable(self) -> None:
        """Make sure that the bucket or folder is there, whatever it holds.

        Raises:
            StoreUnavailable: It is not, or did not answer.
        """
        with self._failures("looking"):
            try:
                if self.folder is not None:
                    os.scandir(self.folder).close()
                else:
                    next(iter(obstore.list(self._store, chunk_size=1)), None)
            except FileNotFoundError as error:
                raise StoreUnavailable(f"{self.url} is not there: {str(error).splitlines()[0]}") from error

    def fetch(self, version: ObjectVersion, to: Path) -> str:
        """Write the bytes of `version` to the file `to` and return their sha256.

        A version that names its id is read even where the key holds a newer one by now.

        Raises:
            ObjectChanged: The key now holds other bytes.
            ObjectNotFound: The object, or that version of it, is gone.
            StoreUnavailable: The store did not answer.
        """
        digest = hashlib.sha256()
        with self._failures(version.key):
            options: GetOptions = {"version": version.version} if version.version else {}
            result = obstore.get(self._store, version.key, options=options)
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
        if not overwrite:
            self._create(key, data)
            return
        for pause in (*_CONFLICT_PAUSES, None):
            try:
                with self._failures(key):
                    obstore.put(self._store, key, data)
            except AlreadyExistsError as error:
                self._wait_for_others(key, pause, error)
            else:
                return

    def _create(self, key: str, data: bytes | Path) -> None:
        """Store bytes under a key that is free, recognising them where the answer to a write that landed was lost."""
        size = data.stat().st_size if isinstance(data, Path) else len(data)
        if size > _ASK_FIRST and self._writer(key) is not None:
            raise self._taken(key)
        # Equal bytes may be another's: whose an object is says a mark that is this call's own. Folders have no marks,
        # and answer always.
        mine = uuid.uuid4().hex
        attributes = {_WRITER: mine} if self.folder is None else None
        for pause in (*_CONFLICT_PAUSES, None):
            try:
                with self._failures(key):
                    obstore.put(self._store, key, data, mode="create", attributes=attributes)
            except (AlreadyExistsError, StoreUnavailable) as error:
                writer = self._writer(key)
                if writer == mine:
                    return
                if writer is not None:
                    raise self._taken(key) from error
                if isinstance(error, StoreUnavailable):
                    raise
                self._wait_for_others(key, pause, error)
            else:
                return

    def _wait_for_others(self, key: str, pause: float | None, error: AlreadyExistsError) -> None:
        # obstore says the same of a key that is taken (412) and of a write beside another's (409), which S3 asks to be
        # repeated: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        if pause is None:
            raise StoreUnavailable(f"{self.uri(key)}: other writers kept coming first. Try again.") from error
        time.sleep(pause)

    def _writer(self, key: str) -> str | None:
        """Return the mark of who created the object, empty where it has none, None where there is no object."""
        try:
            with self._failures(key):
                found = obstore.get(self._store, key, options={"head": True})
                return str(found.attributes.get(_WRITER, ""))
        except ObjectNotFound:
            return None

    def _taken(self, key: str) -> ObjectExists:
        return ObjectExists(f"{self.uri(key)} exists already. Choose another name or overwrite it.")

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
        except ValueError as error:
            why = str(error).splitlines()[0]
            raise UnusableKey(
                f"{self.url}: {doing!r}: {why}. No object can be called so; choose another name."
            ) from error
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


def _client_options(options: Mapping[str, str]) -> "ClientConfig | None":
    """Allow an endpoint without TLS where one is named, as S3 servers of one's own have."""
    named = {name.lower().removeprefix("aws_"): value for name, value in options.items()}
    endpoint = named.get("endpoint") or os.environ.get("AWS_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return {"allow_http": True} if endpoint.startswith("http://") else None


def _version(meta: Mapping[str, Any]) -> ObjectVersion:
    return ObjectVersion(
        key=meta["path"],
        etag=str(meta["e_tag"] or f"{meta['last_modified'].timestamp()}-{meta['size']}").strip('"'),
        size=meta["size"],
        modified=meta["last_modified"],
        version=meta["version"],
    )
