"""The repositories of a deployment: the documents in its `repositories` folder, good and bad."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from biolake.documents.errors import DocumentInvalid, Mistake
from biolake.documents.load import load_document
from biolake.repositories.errors import RepositoryExists, RepositoryMoved, UnknownRepository
from biolake.repositories.models import Repository


@dataclass(frozen=True)
class RepositoryCatalog:
    """All documents of one folder, read at one moment.

    Attributes:
        folder: Where the documents are.
        repositories: The usable ones by name.
        refused: The others, each with its mistakes; they harm no neighbour.
    """

    folder: Path
    repositories: dict[str, Repository]
    refused: tuple[DocumentInvalid, ...]

    @classmethod
    def read(cls, folder: Path) -> "RepositoryCatalog":
        """Read every `*.yaml` document of `folder`; a folder that does not exist holds none.

        Names that begin with a dot are left out: editors keep their locks and drafts there.
        """
        repositories: dict[str, Repository] = {}
        refused: list[DocumentInvalid] = []
        for path in _documents(folder):
            try:
                repository = _load(path)
                taken = _taken(repository, repositories.values())
                if taken:
                    raise DocumentInvalid(path.name, (Mistake(path.name, 0, "", taken),))
            except DocumentInvalid as error:
                refused.append(error)
            else:
                repositories[repository.name] = repository
        return cls(folder, repositories, tuple(refused))

    def get(self, name: str) -> Repository:
        """Return the repository called `name`.

        Raises:
            UnknownRepository: None is; the message lists those that exist.
        """
        if name not in self.repositories:
            known = ", ".join(sorted(self.repositories)) or "none yet"
            raise UnknownRepository(
                f"{name}: no such repository (known: {known}). Add one with `biolake repository add FILE`."
            )
        return self.repositories[name]

    def __iter__(self) -> Iterator[Repository]:
        return iter(self.repositories.values())


def add_repository(document: Path, folder: Path, *, replace: bool = False, allow_move: bool = False) -> Repository:
    """Check `document` and put it into `folder`, where definitions and sensors find it.

    Args:
        document: The repository's YAML file.
        folder: The deployment's documents.
        replace: Take the place of the file that describes a repository of that name, whatever the file is called.
        allow_move: With `replace`, take another landing folder, too: what is not in it is gone for the repository.

    Raises:
        DocumentInvalid: With every mistake.
        RepositoryExists: The name or the landing folder is taken.
        RepositoryMoved: The new document has another landing folder and `allow_move` is False.
    """
    content = _content(document)
    repository = load_document(content, Repository, document.name)
    catalog = RepositoryCatalog.read(folder)
    present = catalog.repositories.get(repository.name) if replace else None
    taken = _taken(repository, (other for other in catalog if other is not present))
    if taken:
        raise RepositoryExists(f"{document.name}: {taken}")
    if present is not None and present.folder != repository.folder and not allow_move:
        raise RepositoryMoved(
            f"{document.name}: the folder of {repository.name} would change from {present.folder} to "
            f"{repository.folder}, and its datasets would be deleted from lake and search, because their objects are "
            "not in the new folder. Keep the prefix; or copy the objects there and use --move."
        )
    folder.mkdir(parents=True, exist_ok=True)
    target = _file_of(present, folder) if present else folder / f"{repository.name}.yaml"
    beside = folder / f".{repository.name}.new"
    beside.write_bytes(content)
    beside.replace(target)
    return repository


def _file_of(repository: Repository, folder: Path) -> Path:
    for path in _documents(folder):
        try:
            if _load(path) == repository:
                return path
        except DocumentInvalid:
            # It is told where documents are listed; here another file is looked for.
            continue
    return folder / f"{repository.name}.yaml"


def _documents(folder: Path) -> list[Path]:
    found = (path for suffix in ("yaml", "yml") for path in folder.glob(f"*.{suffix}"))
    return sorted(path for path in found if not path.name.startswith("."))


def _load(path: Path) -> Repository:
    return load_document(_content(path), Repository, path.name)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"cannot be read ({error.strerror})."
        mistake = Mistake(path.name, 0, "", message, "Make it a readable file, or remove it.")
        raise DocumentInvalid(path.name, (mistake,)) from error


def _taken(repository: Repository, others: Iterable[Repository]) -> str | None:
    for other in others:
        if other.name == repository.name:
            return f"the name {repository.name} is taken. Choose another, or say --replace to replace the document."
        mine, theirs = f"{repository.folder}/", f"{other.folder}/"
        if mine.startswith(theirs) or theirs.startswith(mine):
            return f"its folder {repository.folder} overlaps {other.folder} of {other.name}. Choose another prefix."
    return None
