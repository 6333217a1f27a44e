"""Secrets as files that exist only while an attempt runs.

Called by the runner when an attempt starts and when it has ended. A value goes from where the
project says it is to a file that only its owner can read, and to nowhere else: not to a key, the
journal, a log or an argument. Errors name the secret and its source, never the value.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mltui.errors import StartFailed
from mltui.spec.model import Secret, Spec

MAX_BYTES = 1 << 20


def read_secrets(
    spec: Spec, names: Iterable[str], root: Path, environ: Mapping[str, str]
) -> dict[str, bytes]:
    """The values of these secrets as they are now. StartFailed when one can't be read.

    A relative file is looked for in the project's folder (`root`), `~` is the person's home.
    """
    return {name: _read(name, spec.secrets[name], root, environ) for name in names}


def write_secrets(values: Mapping[str, bytes], folder: Path) -> dict[str, Path]:
    """Each secret as a file in `folder` (made, 0700), mode 0600; name → file."""
    if not values:
        return {}
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)
    files = {}
    for name, value in values.items():
        files[name] = folder / name
        write_file(files[name], value)
    return files


def write_file(file: Path, value: bytes) -> None:
    """A new file with a secret, that only its owner can read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, value)
    finally:
        os.close(descriptor)


def _read(name: str, secret: Secret, root: Path, environ: Mapping[str, str]) -> bytes:
    if secret.env is not None:
        value = environ.get(secret.env)
        if value is None:
            raise StartFailed(
                f"secret {name}: the variable {secret.env} is not set where the runner was "
                "started: set it, wait for the runner to end (or `mltui cancel`), then retry"
            )
        return os.fsencode(value)
    if secret.file is not None:
        file = root / Path(secret.file).expanduser()
        try:
            with file.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            reason = (error.strerror or "unreadable").lower()
            raise StartFailed(f"secret {name}: {secret.file}: {reason}") from error
        if len(data) > MAX_BYTES:
            raise StartFailed(f"secret {name}: {secret.file} has more than 1 MiB")
        return data
    raise StartFailed(
        f"secret {name} is a Secret of a cluster ({secret.secret}); this target has no cluster: "
        "give it as `env:` or `file:`"
    )
