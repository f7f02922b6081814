"""Documents of repositories and studies: whether each can be used."""

from collections.abc import Iterator

from biolake.doctor.models import Examination, Finding, ok, problem
from biolake.platform import Platform


def documents(platform: Platform) -> Examination:
    """Read every document."""

    def look() -> Iterator[Finding]:
        repositories = platform.repositories
        for error in repositories.refused:
            yield problem("documents", "repositories", str(error).replace("\n", "; "), f"Correct {error.source}.")
        if not repositories.refused:
            yield ok("documents", "repositories", f"{len(repositories.repositories)} in order")
        studies = platform.studies
        for name, error in studies.refused.items():
            yield problem(
                "documents", "studies", str(error).replace("\n", "; "), f"Correct the document of the study {name}."
            )
        if not studies.refused:
            yield ok("documents", "studies", f"{len(studies.studies)} in order")

    return Examination("documents", look)
