"""However a kubeconfig says that a cluster is reached, mltui reaches it, or says why not."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mltui.engines.kubernetes.client import Client, open_client
from mltui.engines.kubernetes.errors import ApiConflict, ApiForbidden, ApiNotFound
from mltui.engines.kubernetes.kubeconfig import read_kubeconfig
from mltui.engines.kubernetes.resources import NODES, PODS
from mltui.errors import Forbidden, MltuiError, Unreachable, UsageError

from .server import Answer, ApiServer, Asked, Handler, Proxy, kubeconfig, plugin, refusal

EMPTY = {"kind": "PodList", "metadata": {"resourceVersion": "7"}, "items": []}


class World:
    """Servers of a test, and clients of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._closing: list[Any] = []

    async def server(self, handle: Handler, tls: ssl.SSLContext | None = None) -> ApiServer:
        made = await ApiServer(handle, tls).open()
        self._closing.append(made)
        return made

    async def client(self, environ: dict[str, str], context: str | None = None) -> Client:
        made = await open_client(context, environ)
        self._closing.insert(0, made)
        return made

    async def proxy(self) -> Proxy:
        made = await Proxy().open()
        self._closing.append(made)
        return made

    async def close(self) -> None:
        for each in self._closing:
            await each.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.close()


async def fine(asked: Asked) -> Answer:
    return 200, EMPTY


async def test_a_token_is_sent_and_never_shown(world: World, tmp_path: Path) -> None:
    server = await world.server(fine)
    client = await world.client(kubeconfig(tmp_path / "c", server.url, {"token": "s3cret"}))
    assert await client.get(PODS, "default") == EMPTY
    assert server.asked[0].headers["authorization"] == "Bearer s3cret"
    assert server.asked[0].path == "/api/v1/namespaces/default/pods"
    assert "s3cret" not in repr(await client.access())


async def test_a_token_file_that_was_written_anew_is_read_again(
    world: World, tmp_path: Path
) -> None:
    async def strict(asked: Asked) -> Answer:
        if asked.headers["authorization"] == "Bearer two":
            return 200, EMPTY
        return refusal(401, "Unauthorized", "Unauthorized")

    server = await world.server(strict)
    (tmp_path / "token").write_text("one")
    environ = kubeconfig(tmp_path / "c", server.url, {"tokenFile": "token"})
    client = await world.client(environ)
    with pytest.raises(ApiForbidden, match=r"kind does not accept your credentials.*log in again"):
        await client.get(PODS)
    (tmp_path / "token").write_text("two\n")
    assert await client.get(PODS) == EMPTY


_COUNTING = """
import json, os, sys, time, datetime, pathlib
count = pathlib.Path(__file__).with_name("count")
n = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(n))
assert json.loads(os.environ["KUBERNETES_EXEC_INFO"])["kind"] == "ExecCredential"
at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=LASTS)
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
    "status": {"token": f"t{n}", "expirationTimestamp": at.isoformat().replace("+00:00", "Z")}}))
"""


@pytest.mark.slow  # a plugin is a process, and so is what reads its answer
@pytest.mark.parametrize(("lasts", "runs"), [(3600, 1), (1, 3)], ids=["valid", "expiring"])
async def test_a_plugin_runs_again_when_what_it_gave_expires(
    world: World, tmp_path: Path, lasts: int, runs: int
) -> None:
    server = await world.server(fine)
    user = plugin(tmp_path, _COUNTING.replace("LASTS", str(lasts)))
    client = await world.client(kubeconfig(tmp_path / "c", server.url, user))
    for _ in range(3):
        await client.get(PODS)
    sent = {asked.headers["authorization"] for asked in server.asked}
    assert sent == {f"Bearer t{n + 1}" for n in range(runs)}


@pytest.mark.slow
async def test_a_plugin_runs_again_when_its_token_is_refused(world: World, tmp_path: Path) -> None:
    async def strict(asked: Asked) -> Answer:
        if asked.headers["authorization"] == "Bearer t1":
            return refusal(401, "Unauthorized", "Unauthorized")
        return 200, EMPTY

    server = await world.server(strict)
    user = plugin(tmp_path, _COUNTING.replace("LASTS", "3600"))
    client = await world.client(kubeconfig(tmp_path / "c", server.url, user))
    found = await asyncio.gather(*(client.get(PODS) for _ in range(5)))
    assert found == [EMPTY] * 5
    assert (tmp_path / "count").read_text() == "2", "once for all who waited"


@pytest.mark.slow
async def test_a_plugin_that_fails_says_why(world: World, tmp_path: Path) -> None:
    user = plugin(tmp_path, "import sys; sys.exit('the session of eva is over')")
    client = await world.client(kubeconfig(tmp_path / "c", "http://127.0.0.1:1", user))
    with pytest.raises(Forbidden, match=r"no credentials for kind: .*the session of eva is over"):
        await client.get(PODS)


def _made(folder: Path, name: str, signed_by: str | None = None) -> tuple[Path, Path]:
    key, cert = folder / f"{name}.key", folder / f"{name}.crt"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += ["-nodes", "-days", "2", "-keyout", str(key), "-out", str(cert), "-subj", f"/CN={name}"]
    if signed_by is not None:
        argv += [
            "-CA",
            str(folder / f"{signed_by}.crt"),
            "-CAkey",
            str(folder / f"{signed_by}.key"),
        ]
        argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode and "-CA" in argv:
        pytest.skip(f"this openssl can't sign so: {done.stderr[-200:]}")
    done.check_returncode()
    return cert, key


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    _made(folder, "authority")
    for name in ("server", "eva", "zoe"):
        _made(folder, name, "authority")
    return folder


@pytest.fixture
async def secure(world: World, certificates: Path) -> ApiServer:
    """A server that asks for client certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    context.load_verify_locations(certificates / "authority.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    return await world.server(fine, context)


async def test_a_client_certificate_is_shown_to_the_server(
    world: World, tmp_path: Path, secure: ApiServer, certificates: Path
) -> None:
    user = {"client-certificate": str(certificates / "eva.crt")}
    user["client-key"] = str(certificates / "eva.key")
    authority = {"certificate-authority": str(certificates / "authority.crt")}
    client = await world.client(kubeconfig(tmp_path / "c", secure.url, user, **authority))
    await client.get(PODS)
    assert secure.asked[0].subject == "eva"


@pytest.mark.slow
async def test_a_plugin_may_give_a_certificate(
    world: World, tmp_path: Path, secure: ApiServer, certificates: Path
) -> None:
    script = f"""
import json, pathlib
folder = pathlib.Path({str(certificates)!r})
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
  "status": {{"clientCertificateData": (folder / "zoe.crt").read_text(),
             "clientKeyData": (folder / "zoe.key").read_text()}}}}))
"""
    authority = {"certificate-authority": str(certificates / "authority.crt")}
    environ = kubeconfig(tmp_path / "c", secure.url, plugin(tmp_path, script), **authority)
    await (await world.client(environ)).get(PODS)
    assert secure.asked[0].subject == "zoe"


async def test_an_unknown_authority_is_not_trusted(
    world: World, tmp_path: Path, secure: ApiServer
) -> None:
    client = await world.client(kubeconfig(tmp_path / "c", secure.url, {}))
    with pytest.raises(Unreachable, match="kind can't be reached: its certificate is not trusted"):
        await client.get(PODS)


async def test_the_clusters_own_proxy_is_gone_through(
    world: World, tmp_path: Path, secure: ApiServer, certificates: Path
) -> None:
    proxy = await world.proxy()
    given = {
        "certificate-authority": str(certificates / "authority.crt"),
        "proxy-url": f"http://eva:x%40y@127.0.0.1:{proxy.port}",
    }
    client = await world.client(kubeconfig(tmp_path / "c", secure.url, {}, **given))
    assert await client.get(PODS) == EMPTY
    assert proxy.went[0] == (f"127.0.0.1:{secure.port}", "Basic ZXZhOnhAeQ==")


@pytest.mark.parametrize(
    ("no_proxy", "proxy"),
    [
        ("", "http://proxy:3128"),
        ("cluster.test", ""),
        (".test", ""),
        ("other", "http://proxy:3128"),
    ],
)
async def test_the_environments_proxy_and_its_exceptions(
    tmp_path: Path, world: World, no_proxy: str, proxy: str
) -> None:
    environ = kubeconfig(tmp_path / "c", "https://cluster.test:6443", {"token": "x"})
    environ |= {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy}
    client = await world.client(environ)
    assert (await client.access()).proxy == proxy


def test_of_several_files_the_first_word_counts(tmp_path: Path) -> None:
    one = tmp_path / "one"
    two = tmp_path / "two"
    kubeconfig(one, "http://a", {}, "kind")
    kubeconfig(two, "http://b", {}, "prod")
    config = read_kubeconfig({"KUBECONFIG": f"{one}:{tmp_path / 'missing'}:{two}"})
    assert list(config.contexts) == ["kind", "prod"]
    assert config.current == "kind"
    assert config.clusters["prod"].values["server"] == "http://b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no Kubernetes cluster is known here: set KUBECONFIG"),
        ("", "no Kubernetes cluster is known here"),
        ("contexts: [", r"c:\d:\d+ is not YAML"),
        ("- 1", "is not one: it holds no mapping"),
        ("contexts: {}", "no Kubernetes cluster is known"),
        ("contexts: 5", "`contexts` is not a list"),
        ("contexts: [{context: {}}]", "an entry of `contexts` has no name"),
        ("contexts: [{name: prod}]\ncurrent-context: prd", "no Kubernetes context `prd`: did you"),
        ("contexts: [{name: prod}]\ncurrent-context: prod", "names the cluster ``"),
    ],
)
async def test_a_kubeconfig_that_is_not_there_or_broken(
    tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "c").write_text(text)
    with pytest.raises(UsageError, match=said):
        client = await open_client(None, {"KUBECONFIG": str(tmp_path / "c")})
        await client.get(PODS)


async def _error(world: World, tmp_path: Path, answer: Answer, **ask: Any) -> MltuiError:
    async def refuse(asked: Asked) -> Answer:
        return answer

    server = await world.server(refuse)
    client = await world.client(kubeconfig(tmp_path / "c", server.url, {}))
    with pytest.raises(MltuiError) as caught:
        await client.get(ask.get("resource", PODS), ask.get("namespace"), ask.get("name", ""))
    return caught.value


async def test_what_one_may_not_do_is_named(world: World, tmp_path: Path) -> None:
    answer = refusal(403, "Forbidden", 'nodes is forbidden: User "eva" cannot list resource')
    error = await _error(world, tmp_path, answer, resource=NODES)
    assert isinstance(error, ApiForbidden)
    assert str(error) == "you may not list nodes in kind: ask for list on nodes"
    answer = refusal(403, "Forbidden", 'pods is forbidden: User "eva" cannot list resource')
    error = await _error(world, tmp_path, answer)
    assert str(error) == (
        "you may not list pods in all namespaces in kind: ask for list on pods (ClusterRole view"
        " has it), or name a namespace"
    )


async def test_what_admission_refuses_says_why(world: World, tmp_path: Path) -> None:
    answer = refusal(403, "Forbidden", 'pods "x" is forbidden: exceeded quota: small')
    error = await _error(world, tmp_path, answer, namespace="a", name="x")
    assert "exceeded quota: small" in str(error)


async def test_what_is_gone_and_what_was_changed(world: World, tmp_path: Path) -> None:
    gone = refusal(404, "NotFound", 'pods "x" not found', name="x", kind="pods")
    error = await _error(world, tmp_path, gone, namespace="a", name="x")
    assert isinstance(error, ApiNotFound)
    assert str(error) == "there is no pod a/x in kind"
    conflict = refusal(409, "Conflict", "the UID in the precondition does not match")
    assert isinstance(await _error(world, tmp_path, conflict, namespace="a", name="x"), ApiConflict)


async def test_nothing_listens(world: World, tmp_path: Path) -> None:
    client = await world.client(kubeconfig(tmp_path / "c", "http://127.0.0.1:1", {}))
    with pytest.raises(Unreachable, match="kind can't be reached: nothing listens at"):
        await client.get(PODS)


async def test_a_server_that_never_answers_is_unreachable(world: World, tmp_path: Path) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    config = read_kubeconfig(kubeconfig(tmp_path / "c", url, {}))
    client = Client(config, config.context(), {}, patience_s=0.2)
    with pytest.raises(Unreachable, match="accepts connections but does not answer"):
        await asyncio.wait_for(client.get(PODS), 60)
    await client.close()
    server.close()
