"""Put local files into a bucket."""

from pathlib import Path

from biolake.objects.store import ObjectStore


def upload(path: Path, bucket: ObjectStore, folder: str) -> list[str]:
    """Store a file as `<folder>/<its name>`, or a folder's files as `<folder>/<the folder's name>/…`.

    Returns:
        The keys.

    Raises:
        StoreUnavailable: The bucket did not take an object; those before it are there.
    """
    if path.is_file():
        files = [(path, path.name)]
    else:
        files = [
            (file, f"{path.resolve().name}/{file.relative_to(path).as_posix()}")
            for file in sorted(path.rglob("*"))
            if file.is_file()
        ]
    keys = [f"{folder}/{name}" for _, name in files]
    for (file, _), key in zip(files, keys, strict=True):
        bucket.put(key, file)
    return keys
