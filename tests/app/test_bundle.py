"""An incident handed over in one file: the same screens elsewhere, and files that are none."""

from __future__ import annotations

import io
import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mltui.app.app import MltuiApp
from mltui.app.session import Session
from mltui.cli.main import main
from mltui.live.acts import acts_file
from mltui.pipeline.model import Failure
from mltui.runs.bundle import BadBundle, Replay, read_bundle
from mltui.runs.project import Project
from mltui.spec.model import FailureClass

from .driver import Driver
from .seed import NOON, Behaviour, Seed
from .worlds import KERNEL, digits, world

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ"
PASSWORD = "correct-horse"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----"
KILLED = Behaviour(
    41,
    log="x\n" * 200_000 + f"token {TOKEN}\ndb_password: {PASSWORD}\n{PEM}\n" + KERNEL,
    failure=Failure(FailureClass.MEMORY, "it used more memory than its limit and was ended"),
    exit_code=137,
    memory=512 << 20,
)


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a run that was killed, made once."""
    folder = tmp_path_factory.mktemp("incident")
    file = folder / "incident.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", f"unix://{folder}/none.sock")
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        seed = Seed.project_of(folder / "digits", digits())
        text = seed.project.file.read_text()
        seed.project.file.write_text(f"# the token is {TOKEN}\n{text}")
        seed.run(world(changes={"train": KILLED}), began=NOON)
        acts = acts_file()
        acts.parent.mkdir(parents=True, exist_ok=True)
        acts.write_text(
            "".join(
                json.dumps({"by": "ada", "verb": "stop", "object": each, "where": each}) + "\n"
                for each in ("digits", "another-project")
            )
        )
        made = main(["-C", str(seed.project.root), "bundle", "--docker", "no", "-o", str(file)])
    assert made == 0
    return file


@pytest.fixture
def bundle(incident: Path, tmp_path: Path) -> Path:
    """A copy, for a test to change."""
    return Path(shutil.copy2(incident, tmp_path / "incident.zip"))


async def test_a_bundle_shows_the_same_screens_and_changes_nothing(
    bundle: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    replay = read_bundle(bundle, elsewhere)
    async with opened(replay, elsewhere) as screen:
        await screen.until(lambda: "runs out of memory" in screen.text)
        assert "BUNDLE" in screen.lines[0]
        assert "needs more memory than its limit of 512 MiB" in screen.text
        await screen.press("f")
        assert "this is a bundle" in screen.notice
        await screen.press("escape")
        assert "TRAINING" in screen.text and "BUNDLE" in screen.line("header")
        for key in ("r", "e", "ctrl+k"):
            await screen.press(key)
        assert len(screen.app.screen_stack) == 1
    for file in elsewhere.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file


def test_a_bundle_is_bounded_masked_and_the_owner_s(bundle: Path) -> None:
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    with zipfile.ZipFile(bundle) as packed:
        texts = {name: packed.read(name) for name in packed.namelist()}
    whole = b"".join(texts.values())
    assert not [each for each in (TOKEN, PASSWORD, "MIIEvQ") if each.encode() in whole]
    assert max(len(text) for name, text in texts.items() if name.endswith("/log")) <= 256 << 10
    assert [json.loads(x)["where"] for x in texts["acts.jsonl"].splitlines()] == ["digits"]
    (found,) = json.loads(texts["findings.json"])
    assert found["title"] == "train~1 of run 1 runs out of memory"


Change = Callable[[dict[str, bytes]], None]


def without(name: str) -> Change:
    return lambda parts: parts.__delitem__(name)


def with_(name: str, data: bytes) -> Change:
    return lambda parts: parts.update({name: data})


def in_journal(old: str, new: str) -> Change:
    def change(parts: dict[str, bytes]) -> None:
        text = parts["journal.json"].decode()
        assert old in text
        parts["journal.json"] = text.replace(old, new).encode()

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (with_("../../.bashrc", b"x"), "which no bundle has"),
        (with_("/etc/cron.d/x", b"x"), "which no bundle has"),
        (with_("runs/1/../../../x", b"x"), "which no bundle has"),
        pytest.param(
            with_("runs/1/train~1.1/log", bytes(200 << 20)),
            "larger than 128 MiB",
            marks=pytest.mark.slow,
        ),
        (without("facts.json"), "it lacks facts.json"),
        (with_("facts.json", b'{"mltui-facts": 1, "at": "noon"}'), "its facts are damaged"),
        (with_("facts.json", b"[" * 100_000), "damaged"),
        (with_("bundle.json", b'{"mltui-bundle": 99}'), "lacks `mltui-bundle: 1`"),
        (with_("journal.json", b'{"runs": 3}'), "damaged"),
        (in_journal('"columns": ["number"', '"columns": ["nr); DROP TABLE runs; --"'), "columns"),
        (in_journal('"state"', '"state2"'), "columns"),
    ],
)
def test_a_bundle_that_is_none_is_refused_with_a_reason(
    bundle: Path, tmp_path: Path, change: Change, says: str
) -> None:
    with zipfile.ZipFile(bundle) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    change(parts)
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    bundle.write_bytes(raw.getvalue())
    into = tmp_path / "a" / "b" / "c"
    into.mkdir(parents=True)
    with pytest.raises(BadBundle, match=says):
        read_bundle(bundle, into)
    assert not [each for each in tmp_path.rglob("*") if each.name in (".bashrc", "x")]


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x03\x04" + bytes(100)])
def test_garbage_is_no_bundle(
    tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "odd.zip"
    file.write_bytes(data)
    assert main(["open", str(file)]) == 2
    assert "is no bundle of mltui" in capsys.readouterr().err
    assert main(["open", str(tmp_path / "absent.zip")]) == 2
    assert "can't be read: No such file" in capsys.readouterr().err


async def test_what_a_hostile_bundle_says_reaches_no_terminal(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    for name in ("facts.json", "journal.json"):
        text = parts[name].decode().replace("and was ended", "\\u001b]52;c;aGk=\\u0007 ended")
        parts[name] = text.encode()
    with zipfile.ZipFile(bundle, "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with opened(read_bundle(bundle, elsewhere), elsewhere) as screen:
        await screen.until(lambda: "runs out of memory" in screen.text)
        assert "\x1b" not in screen.text and "\x07" not in screen.text


class opened:
    """The app on a bundle, as `mltui open` begins it."""

    def __init__(self, replay: Replay, root: Path) -> None:
        self._session = Session(Project(root), now=lambda: replay.at)
        self._session.open()
        self._app = MltuiApp(self._session)
        self._app.replay = replay
        self._test = self._app.run_test(size=(100, 30))

    async def __aenter__(self) -> Driver:
        driver = Driver(self._app, await self._test.__aenter__())
        await driver.settle()
        return driver

    async def __aexit__(self, *error: object) -> None:
        await self._test.__aexit__(None, None, None)
        self._session.close()
