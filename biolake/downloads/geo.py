"""Series matrices and curated data sets from NCBI's Gene Expression Omnibus (GEO).

Which files belong to an accession and where they are is here; how one file is transferred is in
`biolake.downloads.transfer`, and reading it in `biolake.formats`.
Layout of the archive: https://ftp.ncbi.nlm.nih.gov/geo/README.txt
"""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from biolake.downloads.errors import InvalidAccession, NoMatrixFile, UnsupportedAccession
from biolake.downloads.transfer import ProgressCallback, Transfer

GEO_URL = "https://ftp.ncbi.nlm.nih.gov/geo"

_ACCESSION = re.compile(r"(GSE|GDS|GSM|GPL)([1-9][0-9]{0,8})")
_SILENCE_SECONDS = 60.0


def download_geo(
    accession: str,
    folder: Path,
    *,
    base_url: str = GEO_URL,
    client: httpx.Client | None = None,
    progress: ProgressCallback | None = None,
    attempts: int = 5,
) -> tuple[Path, ...]:
    """Fetch the data files of a GEO series or data set.

    A file takes its name in `folder` only when it is complete and then replaces one that was there; while it arrives
    it has a hidden temporary name. Of a series on several platforms every matrix is fetched, one file each.

    Args:
        accession: `GSE…` for the series matrices, `GDS…` for the SOFT file of a curated data set.
        folder: Where the files go; made when absent.
        base_url: The archive or a mirror with its layout.
        client: Carries proxies, certificates and time limits; by default one with 60 s of tolerated silence.
        progress: Called as bytes arrive.
        attempts: How often a request is made when the archive is busy or a transfer breaks off.

    Returns:
        The files, in the archive's order.

    Raises:
        InvalidAccession: Not spelled like a GEO accession.
        UnsupportedAccession: A sample or a platform.
        NoSuchAccession: Nothing public under the accession.
        NoMatrixFile: The series publishes no matrix.
        Unreachable: No connection.
        ServerBusy: The archive stayed busy, or asked for more patience than a call should have.
        RequestRefused: Another refusal.
        BrokenTransfer: A file stayed incomplete.
    """
    kind, number = _parsed(accession)
    name = f"{kind}{number}"
    # The last three digits of an accession are masked in its parent folder's name, which is `GSEnnn` below 1000.
    parent = f"{kind}{number[:-3]}nnn"
    folder.mkdir(parents=True, exist_ok=True)
    own_client = client is None
    session = client or httpx.Client(timeout=_SILENCE_SECONDS, follow_redirects=True)
    transfer = Transfer(client=session, subject=name, attempts=attempts, progress=progress)
    try:
        if kind == "GDS":
            file = f"{name}.soft.gz"
            return (transfer.fetch(f"{base_url.rstrip('/')}/datasets/{parent}/{name}/soft/{file}", folder / file),)
        listing_url = f"{base_url.rstrip('/')}/series/{parent}/{name}/matrix/"
        files = _matrix_files(transfer.text(listing_url), name)
        if not files:
            raise NoMatrixFile(
                f"{name}: {listing_url} lists no series matrix. The series may be sequencing data whose counts are in "
                f"its supplementary files: fetch those and upload them as a table."
            )
        return tuple(transfer.fetch(listing_url + file, folder / file) for file in files)
    finally:
        if own_client:
            session.close()


def _parsed(accession: str) -> tuple[str, str]:
    match = _ACCESSION.fullmatch(accession.strip().upper())
    if match is None:
        raise InvalidAccession(
            f"{accession!r} is not a GEO accession. Give a series (GSE42872) or a curated data set (GDS507)."
        )
    kind, number = match.groups()
    if kind == "GSM":
        raise UnsupportedAccession(
            f"{match[0]} is a single sample. Find its series on "
            f"https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc={match[0]} and download that (GSE…)."
        )
    if kind == "GPL":
        raise UnsupportedAccession(
            f"{match[0]} is a platform, which has no measurements. Download a series (GSE…) or data set (GDS…) of it."
        )
    return kind, number


class _Links(HTMLParser):
    """Collects where the links of a folder's listing lead."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for key, value in attrs if key == "href" and value]


def _matrix_files(listing: str, series: str) -> tuple[str, ...]:
    links = _Links()
    links.feed(listing)
    names = (unquote(urlsplit(target).path).rsplit("/", 1)[-1] for target in links.targets)
    # GEO splits a matrix by platform, and a very large one into numbered parts.
    matrix = re.compile(rf"{series}(-GPL[0-9]+)?_series_matrix(-[0-9]+)?\.txt\.gz")
    return tuple(dict.fromkeys(name for name in names if matrix.fullmatch(name)))
