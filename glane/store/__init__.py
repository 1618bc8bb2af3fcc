"""The store: bytes kept under keys, on a folder or on S3. It is the truth; every portal is a projection of it.

Belongs here: what every room sees (contract.py), the store on a folder (folder.py) and on S3 (objects.py), the place
where something is built before it is kept (staging.py). Does not belong here: what the keys mean; each room knows its
own part of the layout (design, 3): sources/ owns raw/, schemas/ owns rows/ and reports/, publish/ owns versions/.
"""

from pathlib import Path

from glane.errors import CallError
from glane.store.contract import DiskError, MissingError, OvertakenError, Stamp, Store, StoreError, sha256_of, to_json
from glane.store.folder import FolderStore

__all__ = [
    "DiskError",
    "FolderStore",
    "MissingError",
    "OvertakenError",
    "Stamp",
    "Store",
    "StoreError",
    "open_store",
    "read_place",
    "sha256_of",
    "to_json",
]

_FORMS = "Name a folder, which may be new, or s3://bucket or s3://bucket/prefix."


def read_place(place: str) -> Path | str:
    """The place of a store as it was given: a folder's path, absolute, or the address of a bucket.

    Raises CallError for another kind of address, an address without a bucket, and a path that is a file.
    """
    scheme, separator, rest = place.partition("://")
    if not separator:
        folder = Path(place).expanduser().absolute()
        if folder.exists() and not folder.is_dir():
            raise CallError(f"GLANE_STORE names {folder}, which is no folder.", _FORMS)
        return folder
    if scheme != "s3":
        raise CallError(f"GLANE_STORE is {place!r}, and Glane keeps no store on {scheme}://.", _FORMS)
    bucket, *parts = rest.rstrip("/").split("/")
    if not bucket:
        raise CallError(f"GLANE_STORE is {place!r}, which names no bucket.", _FORMS)
    if any(part in ("", ".", "..") for part in parts):
        raise CallError(f"GLANE_STORE is {place!r}, whose prefix is none.", _FORMS)
    return "/".join(["s3:/", bucket, *parts])


def open_store(place: Path | str) -> Store:
    """The store at `place`: a folder, or s3://bucket/prefix. Nothing is read or made before its first use.

    The endpoint and the keys of S3 are those of the environment, as botocore reads it (AWS_ENDPOINT_URL,
    AWS_ACCESS_KEY_ID, AWS_PROFILE ...). Raises CallError for a place that is none.
    """
    found = read_place(str(place))
    if isinstance(found, Path):
        return FolderStore(found)
    # What speaks to S3 takes a second to import: only those pay who have a store there.
    from glane.store.objects import ObjectStore

    return ObjectStore(found)
