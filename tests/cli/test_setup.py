"""`make setup` on a machine whose Python comes without ensurepip, as Debian's does."""

from __future__ import annotations

import functools
import hashlib
import http.server
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtualenv.seed.wheels.embed import get_embed_wheel

_SCRIPT = Path(__file__).parents[2] / "tools" / "fetch_pip.py"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A package index on loopback; its folder and address."""
    folder = tmp_path / "index"
    (folder / "simple" / "pip").mkdir(parents=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing: the answers are what is tested."""

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


def _offer(folder: Path, digest: str | None = None) -> None:
    wheel = get_embed_wheel("pip", f"{sys.version_info.major}.{sys.version_info.minor}")
    assert wheel is not None
    body = wheel.path.read_bytes()
    (folder / wheel.path.name).write_bytes(body)
    said = digest or hashlib.sha256(body).hexdigest()
    (folder / "simple" / "pip" / "index.html").write_text(
        '<a href="../../pip-1.0-py3-none-any.whl#sha256=' + "0" * 64 + '">pip-1.0</a>\n'
        f'<a href="../../{wheel.path.name}#sha256={said}" data-requires-python="&gt;=3.9">pip</a>\n'
    )


def _fetch(tmp_path: Path, index: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    made = tmp_path / "made"
    venv.create(made, with_pip=False)
    python = made / "bin" / "python"
    done = subprocess.run(
        [python, _SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        env={"PIP_INDEX_URL": index, "PATH": "/usr/bin:/bin"},
    )
    return python, done


def _has_pip(python: Path) -> bool:
    asked = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    return asked.returncode == 0


def test_pip_comes_from_the_index(tmp_path: Path, index: tuple[Path, str]) -> None:
    folder, address = index
    _offer(folder)
    python, done = _fetch(tmp_path, address)
    assert done.returncode == 0, done.stderr
    assert _has_pip(python)


def test_a_wheel_that_is_not_what_the_index_says_is_refused(
    tmp_path: Path, index: tuple[Path, str]
) -> None:
    folder, address = index
    _offer(folder, digest="1" * 64)
    python, done = _fetch(tmp_path, address)
    assert done.returncode != 0
    assert "not what the index says" in done.stderr
    assert not _has_pip(python)


def test_no_index_says_what_to_install(tmp_path: Path, index: tuple[Path, str]) -> None:
    python, done = _fetch(tmp_path, index[1].replace("/simple", "/nowhere"))
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert "Traceback" not in done.stderr
    assert not _has_pip(python)
