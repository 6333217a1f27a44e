"""Images, volumes, networks, projects: told by events too, joined with the containers on them."""

from __future__ import annotations

import asyncio

from mltui.live.feed import Feed
from mltui.live.kinds import kind_named
from mltui.live.kinds.images import layers

from .box import SOON_S, Box, soon
from .relay import Relay


async def test_users_of_everything_follow_the_containers(
    feed: Feed, relay: Relay, box: Box
) -> None:
    tables = {
        name: await feed.loaded(name, SOON_S)
        for name in ("volumes", "networks", "images", "compose")
    }
    volume, network = await box.volume("data"), await box.network("net")
    await soon(lambda: volume in tables["volumes"].rows and network in tables["networks"].rows)
    assert tables["volumes"].rows[volume].users == ()

    image = await box.imported("base")
    project = box.name("shop")
    labels = {
        "com.docker.compose.project": project, "com.docker.compose.service": "web",
        "com.docker.compose.project.working_dir": "/srv/shop",
    }  # fmt: skip
    host = {"Binds": [f"{volume}:/data"], "NetworkMode": network}
    key = await box.create("web", HostConfig=host, Labels=labels)
    idle = await box.create("idle", "true", Image=image, Labels=labels)
    web = box.name("web")
    await soon(lambda: tables["volumes"].rows[volume].users == (web,))
    await soon(lambda: tables["images"].rows[image].users == (box.name("idle"),))
    await soon(lambda: project in tables["compose"].rows)
    await box.start(key)
    await soon(lambda: tables["networks"].rows[network].users == (web,))
    await soon(lambda: tables["compose"].rows[project].running == 1)
    await feed.settled()
    row = tables["compose"].rows[project]
    assert (row.total, row.failing, row.services, row.folder) == (2, 0, ("web",), "/srv/shop")
    # One that was made by an image's id is shown by the image's name.
    assert feed.table("containers").rows[idle].image == f"{box.name('base')}:1"

    await box.remove(key)
    await box.remove(idle)
    await soon(lambda: project not in tables["compose"].rows)
    await soon(lambda: tables["volumes"].rows[volume].users == ())
    await box.daemon.delete(f"/networks/{network}")
    await box.daemon.delete(f"/volumes/{volume}")
    await soon(lambda: network not in tables["networks"].rows)
    await soon(lambda: volume not in tables["volumes"].rows)
    for path in ("/containers/json", "/volumes", "/networks", "/images/json", "/events"):
        assert relay.count("GET", path) - len(
            [each for each in relay.matching("GET", path) if "dangling" in each]
        ) == 1  # fmt: skip


async def test_names_of_images_move(feed: Feed, box: Box) -> None:
    table = await feed.loaded("images", SOON_S)
    first, second = await box.imported("a"), await box.imported("b")
    await soon(lambda: {first, second} <= table.rows.keys())
    a, b = f"{box.name('a')}:1", f"{box.name('b')}:1"
    await soon(lambda: table.rows[first].names == (a,))

    await box.daemon.post(f"/images/{first}/tag", {"repo": box.name("c"), "tag": "2"})
    await soon(lambda: table.rows[first].names == (a, f"{box.name('c')}:2"))

    # The name moves away from the first image, which Docker tells of the second only.
    await box.daemon.post(f"/images/{second}/tag", {"repo": box.name("a"), "tag": "1"})
    await soon(lambda: table.rows[first].names == (f"{box.name('c')}:2",))
    await soon(lambda: table.rows[second].names == (a, b))

    await box.daemon.delete(f"/images/{box.name('c')}:2")
    await soon(lambda: first not in table.rows)
    await box.daemon.post(f"/images/{second}/tag", {"repo": box.name("d"), "tag": "1"})
    third = await box.imported("d")  # leaves the second with its other names
    await soon(lambda: third in table.rows and f"{box.name('d')}:1" not in table.rows[second].names)


async def test_pages_of_all_kinds(feed: Feed, box: Box) -> None:
    volume, network = await box.volume("v"), await box.network("n")
    image = await box.imported("i")
    labels = {"com.docker.compose.project": box.name("p"), "com.docker.compose.service": "s"}
    host = {"Binds": [f"{volume}:/v"], "NetworkMode": network, "Memory": 64 << 20}
    secrets = ["API_TOKEN=hunter2", "PLAIN=shown", "URL=https://user:hunter2@example.org/x"]
    key = await box.run("page", HostConfig=host, Labels=labels, Env=secrets)
    for kind_name, which, words in (
        ("containers", key, ["64 MiB", "/v", volume, "sleep 600", "PLAIN", "shown"]),
        ("volumes", volume, ["local", box.name("page")]),
        ("networks", network, ["bridge", "nothing outside", box.name("page")]),
        ("images", image, [f"{box.name('i')}:1", "Layers"]),
        ("compose", box.name("p"), ["1 of 1 running"]),
    ):
        kind = kind_named(kind_name)
        assert kind.describe is not None and kind.inspect is not None
        text = (await kind.describe(feed.daemon, which, False)).text
        for word in words:
            assert word in text, (kind_name, word, text)
        everything = text + await kind.inspect(feed.daemon, which, False)
        assert "hunter2" not in everything
    kind = kind_named("containers")
    assert kind.describe is not None and kind.inspect is not None
    assert (await kind.describe(feed.daemon, key, True)).text.count("hunter2") == 2
    assert (await kind.inspect(feed.daemon, key, True)).count("hunter2") == 2
    assert [layer.size_bytes for layer in await layers(feed.daemon, image)] == [32]


async def test_sizes_of_volumes_when_asked(feed: Feed, box: Box) -> None:
    table = await feed.loaded("volumes", SOON_S)
    volume = await box.volume("big")
    script = "head -c 100000 /dev/zero > /v/file"
    key = await box.run("fill", "sh", "-c", script, HostConfig={"Binds": [f"{volume}:/v"]})
    await feed.until(key, lambda row: row is not None and row.state == "exited")
    await soon(lambda: volume in table.rows)
    assert table.rows[volume].size_bytes is None
    await feed.measure("volumes")
    assert table.rows[volume].size_bytes == 100_000
    await box.daemon.delete(f"/containers/{key}")
    await soon(lambda: table.rows[volume].users == ())
    assert table.rows[volume].size_bytes == 100_000


async def test_processes_and_changed_files(feed: Feed, box: Box) -> None:
    from mltui.live.kinds._container_page import Change, changes, top

    key = await box.run("busy", "sh", "-c", "echo x > /tmp/made; rm -rf /media; exec sleep 600")
    async with asyncio.timeout(SOON_S):
        while True:  # until its shell has become what it ends with
            shown = await top(feed.daemon, key)
            command = shown.titles.index("CMD")
            if [row[command] for row in shown.rows] == ["sleep 600"]:
                break
    found = await changes(feed.daemon, key)
    assert Change("added", "/tmp/made") in found
    assert Change("deleted", "/media") in found
