"""Verbs do what they say to the thing that was seen, or nothing, and say so."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tarfile
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from mltui.errors import Conflict, MltuiError, Unreachable, UsageError
from mltui.live.feed import Feed
from mltui.live.kinds import kind_named
from mltui.live.verbs import Ref, ref_of, refs_of, shell, verbs
from mltui.live.verbs.prune import Preview, preview, prune
from mltui.live.verbs.registry import pull, push, tag
from mltui.live.verbs.shell import Entered

from .box import SOON_S, Box, soon

busybox = import_module("testbed.docker").busybox


async def seen(feed: Feed, kind: str, key: str) -> Ref:
    """A reference as a screen takes it from the row it shows."""
    table = await feed.loaded(kind, SOON_S)
    await soon(lambda: key in table.rows)
    await feed.settled()
    return ref_of(kind_named(kind), table.rows[key])


async def act(feed: Feed, verb: str, ref: Ref) -> str:
    return await verbs()[verb].act(feed.daemon, ref)


async def test_a_container_is_driven_through_its_states(feed: Feed, box: Box) -> None:
    key = await box.create("web")
    ref = await seen(feed, "containers", key)
    name = box.name("web")
    table = feed.table("containers")
    for verb, answer, state in (
        ("start", f"started container {name}", "running"),
        ("start", f"container {name} runs already", "running"),
        ("pause", f"paused container {name}", "paused"),
        ("pause", f"container {name} is paused already", "paused"),
        ("start", f"container {name} is paused: unpause it", "paused"),
        ("unpause", f"unpaused container {name}", "running"),
        ("restart", f"restarted container {name}", "running"),
        ("kill", f"killed container {name}", "exited"),
        ("kill", f"container {name} does not run", "exited"),
        ("start", f"started container {name}", "running"),
        ("stop", f"stopped container {name}", "exited"),
        ("stop", f"container {name} does not run", "exited"),
    ):
        assert await act(feed, verb, ref) == answer
        await soon(lambda state=state: table.rows[key].state == state)  # type: ignore[misc]
    assert await act(feed, "remove", ref) == f"removed container {name}"
    await soon(lambda: key not in table.rows)
    with pytest.raises(Conflict, match="gone already"):
        await act(feed, "remove", ref)


def type_into(entered: Entered, text: str) -> str:
    done = subprocess.run(
        entered.shell.argv, env=dict(entered.shell.env), input=text, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    return done.stdout


def call(argv: list[str], data: bytes = b"") -> None:
    subprocess.run(argv, input=data, capture_output=True, check=True)


async def test_a_container_without_a_shell_is_entered_and_left_as_it_was(
    feed: Feed, box: Box, busybox: Path
) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as made:
        made.add(busybox, "busybox.only")
    image = f"mltui-test/{box.prefix}:bare"
    docker = ["docker", "-H", box.daemon.client.host.address]
    await asyncio.to_thread(call, [*docker, "import", "-", image], tar.getvalue())
    try:
        command = ("/busybox.only", "sleep", "600")
        key = await box.run("bare", *command, Image=image)
        shut = await box.run("shut", *command, Image=image, HostConfig={"ReadonlyRootfs": True})
        ref, closed = [await seen(feed, "containers", each) for each in (key, shut)]
        assert await shell.enter(box.daemon, ref, is_terminal=False) is None
        entered = await shell.enter_with_tools(box.daemon, ref, is_terminal=False)
        said = await asyncio.to_thread(type_into, entered, "ps; ls /\n")
        assert "sleep 600" in said and "mltui-tools" in said
        await shell.leave(box.daemon, entered)
        await soon(lambda: _has_no_tools(docker, key))
        beside = await shell.enter_with_tools(box.daemon, closed, is_terminal=False)
        said = await asyncio.to_thread(type_into, beside, "ps; ls /proc/1/root\n")
        assert "sleep 600" in said and "busybox.only" in said
        assert "read-only" in beside.shell.notes[0]
        await shell.leave(box.daemon, beside)
        own = await seen(feed, "containers", await box.run("own"))
        mine = await shell.enter(box.daemon, own, is_terminal=False)
        assert mine is not None
        assert "hi" in await asyncio.to_thread(type_into, mine, "echo hi\n")
    finally:
        await box.clear()
        await asyncio.to_thread(call, [*docker, "rmi", "-f", image])


def _has_no_tools(docker: list[str], key: str) -> bool:
    argv = [*docker, "cp", f"{key}:/mltui-tools", "-"]
    return subprocess.run(argv, capture_output=True).returncode != 0


async def test_another_container_of_that_name_is_left_alone(feed: Feed, box: Box) -> None:
    ref = await seen(feed, "containers", await box.create("twin"))
    await box.remove(ref.key)
    other = await box.run("twin")
    for verb in ("stop", "remove", "kill"):
        with pytest.raises(Conflict, match=r"another one now .*nothing was done"):
            await act(feed, verb, ref)
    assert (await box.daemon.get(f"/containers/{other}/json"))["State"]["Running"]


async def test_a_renamed_or_started_container_is_left_alone(feed: Feed, box: Box) -> None:
    ref = await seen(feed, "containers", await box.create("old"))
    await box.daemon.post(f"/containers/{ref.key}/rename", {"name": box.name("new")})
    with pytest.raises(Conflict, match=rf"is called {box.name('new')} now; nothing was done"):
        await act(feed, "remove", ref)
    ref = await seen(feed, "containers", ref.key)
    await soon(lambda: feed.table("containers").rows[ref.key].name == box.name("new"))
    ref = await seen(feed, "containers", ref.key)
    await box.start(ref.key)
    with pytest.raises(Conflict, match="runs now; nothing was done"):
        await act(feed, "remove", ref)


async def test_an_image_goes_with_all_its_names(feed: Feed, box: Box) -> None:
    table = await feed.loaded("images", SOON_S)
    key = await box.imported("a")
    await box.daemon.post(f"/images/{key}/tag", {"repo": box.name("b"), "tag": "1"})
    user = await box.create("user", "true", Image=key)
    await soon(lambda: key in table.rows and len(table.rows[key].names) == 2)
    ref = await seen(feed, "images", key)
    with pytest.raises(Conflict, match=f"is used by container {box.name('user')}: remove that"):
        await act(feed, "remove", ref)
    assert len((await box.daemon.get(f"/images/{key}/json"))["RepoTags"]) == 2
    await box.remove(user)
    assert (await act(feed, "remove", ref)).startswith(f"removed image {box.name('a')}:1 (")
    await soon(lambda: key not in table.rows)


async def test_a_name_that_means_another_image_is_left_alone(feed: Feed, box: Box) -> None:
    key = await box.imported("a")
    ref = await seen(feed, "images", key)
    other = await box.imported("a")
    with pytest.raises(Conflict, match="is another image now; nothing was done"):
        await act(feed, "remove", ref)
    assert (await box.daemon.get(f"/images/{other}/json"))["Id"] == other
    await box.daemon.delete(f"/images/{key}")


async def test_volumes_and_networks(feed: Feed, box: Box) -> None:
    volume, network = await box.volume("v"), await box.network("n")
    of_volume = await seen(feed, "volumes", volume)
    of_network = await seen(feed, "networks", network)
    host = {"Binds": [f"{volume}:/v"], "NetworkMode": network}
    user = await box.run("user", HostConfig=host)
    with pytest.raises(Conflict, match=r"in use.*remove the containers that mount it first"):
        await act(feed, "remove", of_volume)
    with pytest.raises(MltuiError, match=r"active endpoints.*stop the containers on it first"):
        await act(feed, "remove", of_network)
    await box.remove(user)
    with pytest.raises(Conflict, match="another one now"):
        assert of_volume.made_at is not None
        await act(feed, "remove", replace(of_volume, made_at=of_volume.made_at - 60))
    assert await act(feed, "remove", of_volume) == f"removed volume {volume}"
    assert await act(feed, "remove", of_network) == f"removed network {box.name('n')}"
    with pytest.raises(Conflict, match="gone already"):
        await act(feed, "remove", of_volume)


async def test_a_project_means_its_containers(feed: Feed, box: Box) -> None:
    labels = {"com.docker.compose.project": box.name("p")}
    keys = {await box.create(name, Labels=labels) for name in ("one", "two")}
    projects = await feed.loaded("compose", SOON_S)
    await soon(lambda: box.name("p") in projects.rows)
    kind, row = kind_named("compose"), projects.rows[box.name("p")]
    refs = refs_of(kind, [row], lambda name: feed.table(name).rows)
    assert {ref.key for ref in refs} == keys and {ref.kind for ref in refs} == {"containers"}
    question = verbs()["remove"].question
    assert question is not None
    asked = question(refs, "docker")
    assert asked.sentence == "Remove 2 containers on docker?"
    assert set(asked.detail) == {box.name("one"), box.name("two")}


def _ours(shown: Preview, box: Box) -> Preview:
    """Only this test's own things: others are at work on this daemon."""
    items = tuple(item for item in shown.items if box.prefix in item.ref.name)
    return replace(shown, items=items, frees_bytes=sum(item.size_bytes or 0 for item in items))


async def test_prune_shows_what_goes_and_takes_only_that(feed: Feed, box: Box) -> None:
    ended = await box.run("ended", "sh", "-c", "head -c 50000 /dev/zero > /file")
    runs = await box.run("runs")
    staged = await box.create("stage", "true", Labels={"mltui.name": "digits-1-train"})
    await feed.until(ended, lambda row: row is not None and row.state == "exited")
    whole = await preview(feed.daemon, "containers")
    keys = {item.ref.key for item in whole.items}
    assert ended in keys and runs not in keys and staged not in keys
    assert "of mltui's runs stay" in whole.note and "`mltui gc`" in whole.note
    shown = _ours(whole, box)
    assert shown.frees_bytes == 50_000
    asked = shown.question("docker")
    assert "Remove 1 container that nothing uses on docker? It frees 50 kB." in asked.sentence
    assert asked.detail[0] == f"{box.name('ended')}  50 kB"
    later = await box.create("later", "true")
    assert await prune(feed.daemon, shown) == "removed 1 container, freed 50 kB"
    table = feed.table("containers")
    await soon(lambda: ended not in table.rows and later in table.rows)


async def test_prune_of_the_other_kinds(feed: Feed, box: Box) -> None:
    volume, network = await box.volume("v"), await box.network("n")
    image = await box.imported("i")
    assert not _ours(await preview(feed.daemon, "volumes"), box).items
    volumes = _ours(await preview(feed.daemon, "volumes", everything=True), box)
    assert [item.ref.key for item in volumes.items] == [volume]
    assert "What is in them is lost." in volumes.question("docker").sentence
    networks = _ours(await preview(feed.daemon, "networks"), box)
    assert [item.ref.key for item in networks.items] == [network]
    assert not _ours(await preview(feed.daemon, "images"), box).items
    images = _ours(await preview(feed.daemon, "images", everything=True), box)
    assert [item.ref.key for item in images.items] == [image] and images.frees_bytes == 32
    assert "It frees at least 32 B." in images.question("docker").sentence
    user = await box.create("user", HostConfig={"Binds": [f"{volume}:/v"]})
    assert "1 in use by now stays" in await prune(feed.daemon, volumes)
    await box.remove(user)
    assert await prune(feed.daemon, volumes) == "removed 1 volume, freed 0 B"
    assert await prune(feed.daemon, networks) == "removed 1 network"
    assert await prune(feed.daemon, images) == "removed 1 image, freed 32 B"
    cache = await preview(feed.daemon, "build cache")
    assert "the build cache of" in cache.title


async def test_tags_and_registries(feed: Feed, box: Box) -> None:
    ref = await seen(feed, "images", await box.imported("i"))
    said = await tag(feed.daemon, ref, f"localhost:1/{box.name('t')}")
    assert said == f"{ref.text} is also localhost:1/{box.name('t')}:latest now"
    pushed = f"localhost:1/{box.name('t')}"
    with pytest.raises(Unreachable, match="does not reach the registry localhost:1"):
        await push(feed.daemon, pushed)
    with pytest.raises(Unreachable, match="does not reach the registry localhost:1"):
        await pull(feed.daemon, "localhost:1/nothing:1")
    with pytest.raises(UsageError, match="has no image localhost:1/other"):
        await push(feed.daemon, "localhost:1/other:1")
    for wrong in ("UPPER", "a b", "", "a//b"):
        with pytest.raises(UsageError, match="is not a name that an image can have"):
            await tag(feed.daemon, ref, wrong)
    await box.daemon.delete(f"/images/{pushed}:latest")
