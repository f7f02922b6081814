"""`biolake search`: datasets by text and metadata."""

from typing import Annotated

import typer

from biolake.cli.deployment import platform
from biolake.cli.output import AsJson, out, print_json, print_table, say
from biolake.search.models import SearchPage, SearchRequest


def search(
    text: Annotated[str, typer.Argument(help='Words, "phrases", & | ~ ( ), field:value; see docs/search.md.')],
    repository: Annotated[
        list[str] | None, typer.Option("--repository", "-r", help="Only this; may be repeated.")
    ] = None,
    filters: Annotated[list[str] | None, typer.Option("--filter", help="FIELD=VALUE, exact; may be repeated.")] = None,
    facets: Annotated[list[str] | None, typer.Option("--facet", help="Count the values of this field.")] = None,
    size: Annotated[int, typer.Option(min=1, max=1000, help="Hits on the page.")] = 10,
    after: Annotated[str | None, typer.Option(help="`next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find datasets; exact accessions come first."""
    request = SearchRequest(
        text=text,
        repositories=tuple(repository or ()),
        filters=_filters(filters or []),
        facets=tuple(facets or ()),
        facet_size=20,
        size=size,
        after=after,
    )
    with platform() as here:
        page = here.index.search(request)
    if as_json:
        print_json(page.model_dump(mode="json"))
    else:
        show_page(page)


def show_page(page: SearchPage) -> None:
    """Print a page of hits."""
    rows = [
        (
            hit.dataset_id,
            hit.repository,
            f"{hit.score:.2f}",
            hit.dataset.title,
            hit.dataset.organism,
            "; ".join(highlight.text for highlight in hit.highlights if highlight.field != "title")[:160],
        )
        for hit in page.hits
    ]
    print_table(f"{page.total} datasets", ("dataset", "repository", "score", "title", "organism", "found in"), rows)
    for name, counts in page.facets.items():
        say(out, f"{name}: " + ", ".join(f"{count.value} {count.count}" for count in counts))
    if page.next:
        say(out, f"more: --after {page.next}")


def _filters(given: list[str]) -> dict[str, tuple[str, ...] | tuple[int, ...]]:
    values: dict[str, list[str]] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise typer.BadParameter(f"--filter {item}: FIELD=VALUE is needed, as in organism=Homo sapiens.")
        values.setdefault(name, []).append(value)
    numbers = {"year", "n_samples", "n_features"}
    return {
        name: tuple(_number(name, value) for value in found) if name in numbers else tuple(found)
        for name, found in values.items()
    }


def _number(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise typer.BadParameter(f"--filter {name}={value}: a whole number is needed.") from None
