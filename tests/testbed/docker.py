"""Fixtures for tests that need a real Docker; the daemon comes from `docker.sh` beside this.

With `docker` in `MLTUI_REQUIRE` (CI) what is missing is started, and a test fails without it; else
the test is skipped and says the command that would enable it. A daemon that was started stays: the
next session finds it, and `docker.sh down` ends it. Containers are removed by their label.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("docker.sh")
BASE_IMAGE = "debian:bookworm-slim"
LABEL = "mltui.test"


@dataclass
class DockerHost:
    """A daemon for tests. `environ` makes `docker` and mltui find it."""

    environ: dict[str, str]
    label: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    """Value of the label `mltui.test` on everything of this session."""

    def run(self, *argv: str, check: bool = True, stdin: bytes | None = None) -> str:
        """The output of a `docker` command."""
        done = subprocess.run(
            ["docker", *argv], env=self.environ, input=stdin, capture_output=True, timeout=300
        )
        if check and done.returncode:
            raise AssertionError(f"docker {' '.join(argv)}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "replace").strip()

    def containers(self) -> list[str]:
        """Ids of the containers of this session, running or not."""
        return self.run(
            "ps", "-aq", "--no-trunc", "--filter", f"label={LABEL}={self.label}"
        ).split()

    def remove_all(self) -> None:
        """Remove the containers and images of this session."""
        if found := self.containers():
            self.run("rm", "-fv", *found, check=False)


def is_required(name: str) -> bool:
    """Whether a test must fail rather than be skipped without `name`."""
    return name in os.environ.get("MLTUI_REQUIRE", "").replace(",", " ").split()


def need(name: str, command: str, why: str) -> None:
    """Skip the test, or have what it needs made where that is required."""
    if not is_required(name):
        pytest.skip(f"{why}: `tests/testbed/docker.sh {command}` makes it")
    done = subprocess.run([str(SCRIPT), command], capture_output=True, timeout=1800)
    if done.returncode:
        pytest.fail(f"{why}, and docker.sh {command} failed: {done.stderr.decode()[-2000:]}")


def _environ() -> dict[str, str]:
    """The environment without the person's Docker settings, but with where the daemon is."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "MLTUI_", "BUILDX"))}
    if "DOCKER_HOST" in os.environ:
        env["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    env["no_proxy"] = env["NO_PROXY"] = "localhost,127.0.0.1"
    return env


def _has_base(env: dict[str, str]) -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        argv = ["docker", "image", "inspect", BASE_IMAGE]
        return subprocess.run(argv, env=env, capture_output=True, timeout=120).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@pytest.fixture(scope="session")
def docker_host() -> Iterator[DockerHost]:
    """The machine's Docker with the base image; without the buildx plugin."""
    env = _environ()
    if not _has_base(env):
        need("docker", "up", f"no Docker with {BASE_IMAGE} answers here")
    with tempfile.TemporaryDirectory(prefix="mltui-test-") as config:
        host = DockerHost({**env, "DOCKER_CONFIG": config})
        yield host
        host.remove_all()


@pytest.fixture(scope="session")
def buildx_host(docker_host: DockerHost) -> DockerHost:
    """The same daemon, with the buildx plugin."""
    state = Path(os.environ.get("MLTUI_TESTBED", "") or _cache() / "mltui-testbed")
    config = state / "docker-config"
    if not (config / "cli-plugins" / "docker-buildx").exists():
        need("docker", "buildx", "the buildx plugin is not there")
    return DockerHost({**docker_host.environ, "DOCKER_CONFIG": str(config)}, docker_host.label)


@pytest.fixture(scope="session")
def busybox() -> Path:
    """A static busybox of this machine."""
    found = shutil.which("busybox")
    if found is None:
        need("docker", "busybox", "no busybox is installed here")
        found = shutil.which("busybox")
    assert found is not None
    return Path(found)


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else Path.home() / ".cache"


# --- a daemon that a test may stop ----------------------------------------------------------------


class OwnDocker(DockerHost):
    """A second daemon with its own folders, which a test starts, kills and starts again.

    Its bridge is made for it, so that it touches no other daemon's and no packet filter.
    """

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.bridge = f"mltui{uuid.uuid4().hex[:6]}"
        super().__init__({**env, "DOCKER_HOST": f"unix://{self.socket}"})
        self.process: subprocess.Popen[bytes] | None = None
        self.arguments: list[str] = []
        """More of them for the next start."""

    def start(self) -> None:
        """Start it and wait until it answers."""
        if not Path(f"/sys/class/net/{self.bridge}").exists():
            subprocess.run(["ip", "link", "add", self.bridge, "type", "bridge"], check=True)
            net = int(self.bridge[-2:], 16)  # another worker may have one, too
            address = ["ip", "addr", "add", f"10.213.{net}.1/24", "dev", self.bridge]
            subprocess.run(address, check=True)
        with (self.folder / "dockerd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "dockerd", "--host", f"unix://{self.socket}",
                    "--data-root", str(self.folder / "data"),
                    "--exec-root", str(self.folder / "exec"),
                    "--pidfile", str(self.folder / "dockerd.pid"),
                    "--bridge", self.bridge, "--iptables=false", "--ip6tables=false",
                    *self.arguments,
                ],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 180
        while subprocess.run(
            ["docker", "version"], env=self.environ, capture_output=True
        ).returncode:
            ended = self.process.poll()
            if ended is not None or time.monotonic() > deadline:
                tail = (self.folder / "dockerd.log").read_text(errors="replace")[-1500:]
                raise AssertionError(f"the second dockerd did not start: {tail}")
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it: politely, or at once."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(number)
            process.wait(180)
            # Its containerd dies with it. Where nobody reaps orphans it stays as a zombie, which
            # the next daemon would take for a containerd that is still at work.
            (self.folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def close(self) -> None:
        """End it and whatever it left running, all by their pids; remove its folders."""
        if self.process is not None:
            with suppress(AssertionError, subprocess.TimeoutExpired):
                self.remove_all()
            self.stop(signal.SIGTERM if self.process.poll() is None else 0)
        pids = []
        for comm in Path("/proc").glob("[0-9]*/comm"):
            try:
                argv = (comm.parent / "cmdline").read_bytes()
            except OSError:
                continue
            # Its containerd and shims carry its own folder in their arguments.
            if str(self.folder / "exec").encode() in argv:
                pids.append(int(comm.parent.name))
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True)
        for line in Path("/proc/mounts").read_text().splitlines():
            place = line.split()[1]
            if place.startswith(str(self.folder)):
                subprocess.run(["umount", "-l", place], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


TINY_IMAGE = "mltui-test-tiny:1"


def tiny_image() -> bytes:
    """A tar of a root file system with a shell and `sleep`, from this machine's own programs."""
    with tempfile.TemporaryDirectory(prefix="mltui-tiny-") as name:
        root = Path(name)
        for program in ("sh", "sleep", "cat"):
            found = shutil.which(program, path="/bin:/usr/bin")
            assert found is not None
            listed = subprocess.run(["ldd", found], capture_output=True, check=True).stdout.decode()
            libraries = [word for word in listed.split() if word.startswith("/")]
            for source, place in [(found, f"/bin/{program}"), *((x, x) for x in libraries)]:
                target = root / place.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(os.path.realpath(source), target)
                target.chmod(0o755)
        (root / "tmp").mkdir()
        return subprocess.run(
            ["tar", "-C", name, "-c", "."], capture_output=True, check=True
        ).stdout


@pytest.fixture
def own_docker(docker_host: DockerHost) -> Iterator[OwnDocker]:
    """A daemon that the test may stop; needs root and `dockerd` on this machine."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None or shutil.which("ip") is None:
        pytest.skip("a second dockerd needs root, dockerd and ip(8)")
    folder = Path(tempfile.mkdtemp(prefix="mltui-dockerd-"))
    own = OwnDocker(folder, docker_host.environ)
    try:
        own.start()
        own.run("import", "-", TINY_IMAGE, stdin=tiny_image())
        yield own
    finally:
        own.close()


# --- a machine reached by ssh ---------------------------------------------------------------------


@dataclass
class SshHost:
    """An SSH server on loopback; `environ` has an `ssh` on its PATH that knows its keys."""

    address: str
    environ: dict[str, str]
    pid: int


@pytest.fixture
def ssh_host(docker_host: DockerHost, tmp_path: Path) -> Iterator[SshHost]:
    """A real sshd in front of the machine's Docker."""
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:" + os.environ["PATH"])
    if sshd is None:
        need("docker", "ssh", "there is no SSH server")
        sshd = "/usr/sbin/sshd"
    keys = tmp_path / "ssh"
    keys.mkdir(mode=0o700)
    for name in ("host", "client"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)]
        subprocess.run(argv, check=True)
    shutil.copyfile(keys / "client.pub", keys / "authorized_keys")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (keys / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {keys / 'host'}\nStrictModes no\n"
        f"AuthorizedKeysFile {keys / 'authorized_keys'}\nPidFile {keys / 'pid'}\n"
        "PasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    with (keys / "log").open("wb") as log:
        server = subprocess.Popen([sshd, "-D", "-e", "-f", str(keys / "sshd_config")], stderr=log)
    deadline = time.monotonic() + 120
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        if server.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"sshd did not start: {(keys / 'log').read_text(errors='replace')}")
        time.sleep(0.05)
    real = shutil.which("ssh")
    wrapper = keys / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f"#!/bin/sh\nexec {real} -F none -i {keys / 'client'} -o IdentitiesOnly=yes "
        f'-o UserKnownHostsFile={keys / "known"} -o StrictHostKeyChecking=accept-new "$@"\n'
    )
    wrapper.chmod(0o755)
    env = {**docker_host.environ, "PATH": f"{wrapper.parent}:{os.environ['PATH']}"}
    env.pop("DOCKER_HOST", None)
    user = subprocess.run(["id", "-un"], capture_output=True, check=True).stdout.decode().strip()
    try:
        yield SshHost(f"ssh://{user}@127.0.0.1:{port}", env, server.pid)
    finally:
        server.terminate()
        server.wait(60)
