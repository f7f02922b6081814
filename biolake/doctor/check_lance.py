"""The embedded search index: whether it opens and answers. Whether it is complete is for `biolake reconcile` to say."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from biolake.doctor.models import Examination, Finding, ok, skipped
from biolake.platform import Platform


def lance(platform: Platform) -> Examination:
    """Open the index and count its documents."""

    def look() -> Iterator[Finding]:
        url = platform.settings.index
        parts = urlsplit(url)
        if parts.scheme == "file" and not Path(unquote(parts.path)).exists():
            yield skipped("index", "reachable", f"LanceDB at {url} is made with the first dataset")
            return
        count = platform.index.count()
        if count:
            yield ok("index", "reachable", f"LanceDB at {url}, {count} documents")
        else:
            yield skipped("index", "reachable", f"LanceDB at {url}, no documents yet")

    return Examination("index", look)
