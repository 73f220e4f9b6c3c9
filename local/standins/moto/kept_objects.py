"""The objects of moto's buckets as files, from one start to the next: written and read in moto's own process.

A warm run brings back hundreds; as many requests would take longer than everything else of its start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.s3.models import FakeDeleteMarker, S3Backend, s3_backends
from werkzeug.wrappers import Request, Response

from local.standins.account import ACCOUNT, PARTITION
from local.standins.moto.aws import KEPT_OBJECTS

_UNFINISHED = ".unfinished"

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class KeptObjects:
    """`POST /kept-objects {"action": "save" or "restore", "bucket": …, "folder": …}`, answered by a number of objects.

    Args:
        otherwise: Answers all other requests.
    """

    def __init__(self, otherwise: Application) -> None:
        self._otherwise = otherwise
        self._actions = {"save": save_bucket, "restore": restore_bucket}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != KEPT_OBJECTS:
            return self._otherwise(environ, start_response)
        asked = json.loads(Request(environ).get_data())
        done = self._actions[asked["action"]](_store(), asked["bucket"], Path(asked["folder"]))
        return Response(json.dumps(done), mimetype="application/json")(environ, start_response)


def save_bucket(store: S3Backend, bucket: str, folder: Path) -> int:
    """Write the objects of a bucket that a folder lacks as files under their keys; return how many there were.

    Objects of the pipeline are never overwritten with other content of the same size, so what is there need not be read again.
    """
    saved = 0
    for name, key in list(store.get_bucket(bucket).keys.items()):
        path = folder / name
        if isinstance(key, FakeDeleteMarker) or (path.is_file() and path.stat().st_size == key.size):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + _UNFINISHED)
        unfinished.write_bytes(key.value)
        unfinished.replace(path)
        saved += 1
    return saved


def restore_bucket(store: S3Backend, bucket: str, folder: Path) -> int:
    """Put the files of a folder into a bucket, their paths as keys; return how many."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != _UNFINISHED]
    owner = store.get_bucket(bucket)
    for path in paths:
        # As PutObject of these bytes alone would.
        store.put_object(bucket, path.relative_to(folder).as_posix(), path.read_bytes()).set_acl(owner.acl)
    return len(paths)


def _store() -> S3Backend:
    return s3_backends[ACCOUNT][PARTITION]
