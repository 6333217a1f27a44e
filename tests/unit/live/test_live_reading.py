"""How the daemon's answers are read: rows, stats, logs of terminals. Pure, no daemon."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.engines.docker.frames import Demux
from mltui.live.cells import Cell, plain
from mltui.live.exits import exit_meaning
from mltui.live.kinds import kind_named
from mltui.live.kinds._container import (
    ContainerRow,
    Port,
    read_inspected,
    read_listed,
)
from mltui.live.kinds._docker import read_place
from mltui.live.kinds.images import read_layer
from mltui.live.kinds.networks import read_network
from mltui.live.kinds.volumes import read_volume
from mltui.live.logs import Framed
from mltui.live.stats import Usage, read_sample
from mltui.live.times import read_time, timestamp

LISTED: dict[str, Any] = {
    "Id": "ab" * 32, "Names": ["/other/alias", "/web"], "Image": "app:1", "ImageID": "sha256:1",
    "Created": 1795526864, "State": "running", "Status": "Up 3 seconds (health: starting)",
    "Ports": [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 53, "Type": "udp"},
    ],
    "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"},
    "NetworkSettings": {"Networks": {"shop": {"NetworkID": "n1"}}},
    "Mounts": [{"Type": "volume", "Name": "data"}, {"Type": "bind", "Source": "/srv"}],
}  # fmt: skip
INSPECTED: dict[str, Any] = {
    "Id": "ab" * 32, "Name": "/web", "Image": "sha256:1", "RestartCount": 2,
    "Created": "2026-11-24T13:27:44.79686235Z",
    "State": {
        "Status": "running", "StartedAt": "2026-11-24T13:27:45.605912683Z",
        "FinishedAt": "0001-01-01T00:00:00Z", "ExitCode": 0, "Health": {"Status": "starting"},
    },
    "Config": {"Image": "app:1", "Labels": LISTED["Labels"]},
    "HostConfig": {"Memory": 67108864},
    "NetworkSettings": {
        "Networks": LISTED["NetworkSettings"]["Networks"],
        "Ports": {
            "80/tcp": [
                {"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"},
            ],
            "53/udp": None,
        },
    },
    "Mounts": LISTED["Mounts"],
}  # fmt: skip


def test_a_listed_container_is_the_inspected_one_as_far_as_it_goes() -> None:
    listed, inspected = read_listed(LISTED), read_inspected(INSPECTED)
    assert inspected.restarts == 2 and inspected.memory_limit_bytes == 64 << 20
    assert inspected.started_at == pytest.approx(1795526865.6059, abs=1e-3)
    same = replace(inspected, restarts=None, started_at=None, memory_limit_bytes=None)
    assert listed == same
    assert listed.place.text == "web of shop"
    assert listed.volumes == ("data",) and listed.networks == ("n1",)


def _cells(row: ContainerRow) -> dict[str, Cell]:
    return {column.key: column.cell_of(row) for column in kind_named("containers").columns}


def test_cells_of_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("MLTUI_ASCII", raising=False)
    monkeypatch.setattr("mltui.live.cells.now", lambda: 1795526864.0 + 7200)
    row = replace(
        read_inspected(INSPECTED),
        health="healthy",
        usage=Usage(12.0, 60 << 20, 1200, 0),
    )
    cells = _cells(row)
    assert cells["state"] == Cell("● running", "")
    assert cells["cpu"] == Cell("12%") and cells["net"] == Cell("1.2 kB/0 B")
    assert cells["memory"] == Cell("60 MiB", "state-warning")  # of 64
    assert cells["restarts"] == Cell("2", "state-warning")
    assert cells["ports"] == Cell("8080→80")
    assert cells["age"] == Cell("2h")
    monkeypatch.setenv("MLTUI_ASCII", "1")
    assert _cells(row)["state"] == Cell("* running", "")


@pytest.mark.parametrize(
    ("change", "text", "role"),
    [
        ({"state": "exited", "exit_code": 0}, "✓ exited", "state-succeeded"),
        ({"state": "exited", "exit_code": 1}, "✗ exited 1", "state-failed"),
        ({"state": "exited", "exit_code": 143}, "⊘ exited 143", "state-cancelled"),
        ({"state": "exited", "exit_code": 137, "is_oom": True}, "✗ out of memory", "state-failed"),
        ({"state": "created", "error": "no such file"}, "✗ not started", "state-failed"),
        ({"state": "restarting"}, "▲ restarting", "state-warning"),
        ({"state": "paused"}, "‖ paused", "state-paused"),
        ({"state": "running", "health": "unhealthy"}, "✗ unhealthy", "state-failed"),
        ({"state": "running", "health": "starting"}, "◌ starting", "state-waiting"),
        ({"state": "tomorrow's"}, "? tomorrow's", "state-unknown"),
    ],
)
def test_states(
    change: dict[str, Any], text: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    row = replace(read_listed(LISTED), **{"state": "running", "health": "", **change})
    assert _cells(row)["state"] == Cell(text, role)


def test_status_of_the_list_gives_codes_and_health() -> None:
    for status, state, code, health in (
        ("Exited (137) 3 minutes ago", "exited", 137, ""),
        ("Restarting (1) 2 seconds ago", "restarting", 1, ""),
        ("Up 2 hours (unhealthy)", "running", None, "unhealthy"),
        ("Up 2 hours (healthy)", "running", None, "healthy"),
        ("Up 2 hours (Paused)", "paused", None, ""),
        ("Created", "created", None, ""),
    ):
        row = read_listed({**LISTED, "State": state, "Status": status})
        assert (row.exit_code, row.health) == (code, health)


def test_stages_and_services_are_named_as_people_write_them() -> None:
    mltui = {"mltui.project": "digits", "mltui.run": "14", "mltui.stage": "train"}
    for labels, text in (
        ({**mltui, "mltui.round": "1", "mltui.attempt": "1"}, "train of digits 14"),
        ({**mltui, "mltui.round": "3", "mltui.attempt": "2"}, "train~3.2 of digits 14"),
        ({**mltui, "mltui.round": "1", "mltui.attempt": "2"}, "train~1.2 of digits 14"),
        ({**mltui, "mltui.item": "en-es"}, "train[en-es] of digits 14"),
        ({"mltui.project": "digits", "mltui.service": "web"}, "service web of digits"),
        ({"mltui.project": "digits", "mltui.monitor": "drift"}, "monitor drift of digits"),
        ({"com.docker.compose.project": "shop"}, "shop"),
        ({"mltui.run": "²"}, ""),
        ({}, ""),
    ):
        assert read_place(labels).text == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["Name", "Labels", "Status", "Type", "x"]), inner)
        ),
        max_leaves=10,
    ),
    st.sampled_from(["Labels", "Names", "Status", "Image", "Created"]),
)
def test_what_a_daemon_may_leave_out_or_make_null_is_no_fault(value: Any, field: str) -> None:
    for part in (LISTED, {}):
        raw = {**part, field: None}
        assert isinstance(read_listed(raw).name, str)
    assert isinstance(read_inspected({**INSPECTED, field: None}), ContainerRow)
    assert isinstance(read_inspected({**INSPECTED, "State": None}).state, str)
    if not isinstance(value, dict | list):
        assert isinstance(read_listed({**LISTED, "Labels": {"any": value}}).name, str)


def test_ports_published_and_not() -> None:
    assert Port(80, "tcp", 8080, "127.0.0.1").text.startswith("127.0.0.1:8080")
    assert Port(53, "udp").text == "53/udp"
    odd = {"x/tcp": [{"HostPort": "", "HostIp": None}], "": None}
    read = read_inspected({**INSPECTED, "NetworkSettings": {"Ports": odd}})
    assert all(port.host is None for port in read.ports)


def test_volumes_and_networks() -> None:
    volume = read_volume({"Name": "f" * 64, "CreatedAt": "2026-11-24T14:00:00+01:00"})
    assert volume.is_anonymous and volume.created_at == 1795525200.0
    assert read_volume({"Name": "v", "UsageData": {"Size": -1}}).size_bytes is None
    pools = {"Config": [{"Subnet": "10.0.0.0/8"}, {}]}
    network = read_network({"Id": "1", "Name": "bridge", "IPAM": pools})
    assert network.subnets == ("10.0.0.0/8",) and network.is_built_in


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'),
        ("/bin/sh -c apt-get update", "apt-get update"),
        ("|1 TOKEN=abc /bin/sh -c pip install x", "pip install x"),
        ("RUN /bin/sh -c pip install x # buildkit", "RUN /bin/sh -c pip install x"),
        ("/bin/sh -c #(nop)  ENV API_KEY=abc", "ENV API_KEY=******"),
    ],
)
def test_layers_without_the_shell_around_them(raw: str, said: str) -> None:
    assert read_layer({"CreatedBy": raw, "Size": 3}).command == said


# stats


def _stats(at: str, cpu: int, memory: Any = None, **networks: tuple[int, int]) -> dict[str, Any]:
    return {
        "read": at,
        "cpu_stats": {"cpu_usage": {"total_usage": cpu}},
        "memory_stats": {"usage": 1000} if memory is None else memory,
        "networks": {n: {"rx_bytes": r, "tx_bytes": t} for n, (r, t) in networks.items()},
    }


def test_rates_are_between_two_readings() -> None:
    first = read_sample(_stats("2026-11-24T13:00:00Z", 10**9, eth0=(100, 0)), None)
    assert first is not None and first.cpu_percent is None and first.usage.rx_bytes_s is None
    then = _stats("2026-11-24T13:00:02Z", 4 * 10**9, eth0=(2100, 50), eth1=(0, 51))
    second = read_sample(then, first)
    assert second is not None
    assert second.usage == Usage(150.0, 1000, 1000, 50)
    # Restarted: the counters begin anew, and no rate is made up.
    third = read_sample(_stats("2026-11-24T13:00:04Z", 10**6), second)
    assert third is not None and third.cpu_percent is None


def test_memory_without_what_the_kernel_can_take_back() -> None:
    for details in ({"total_inactive_file": 400}, {"inactive_file": 400}):
        memory = {"usage": 1000, "stats": details}
        sample = read_sample(_stats("2026-11-24T13:00:00Z", 0, memory), None)
        assert sample is not None and sample.memory_bytes == 600


def test_a_container_that_does_not_run_has_no_reading() -> None:
    assert read_sample({"read": "0001-01-01T00:00:00Z", "memory_stats": {}}, None) is None
    assert read_sample({}, None) is None


def test_noise_is_no_change() -> None:
    usages = set()
    for extra in range(0, 400, 50):
        memory = {"usage": 212_000_000 + extra}
        sample = read_sample(_stats("2026-11-24T13:00:00Z", 0, memory), None)
        assert sample is not None
        usages.add(sample.usage)
    assert len(usages) == 1


# logs of terminals


@given(st.lists(st.binary(max_size=40), max_size=20), st.randoms())
def test_a_terminals_log_is_cut_into_messages_wherever_it_is_cut(
    texts: list[bytes], chance: Any
) -> None:
    lines = [text.replace(b"\n", b"") + b"\r\n" for text in texts]
    messages = [b"2026-11-24T13:00:00.%09dZ " % n + line for n, line in enumerate(lines)]
    stream, framed, demux = b"".join(messages), Framed(), Demux()
    out = []
    while stream:
        size = chance.randint(1, 30)
        out += demux.feed(framed.feed(stream[:size]))
        stream = stream[size:]
    out += demux.feed(framed.end())
    assert out == [(1, message) for message in messages]


def test_a_long_line_of_a_terminal_is_two_messages() -> None:
    time = b"2026-11-24T13:00:00.000000001Z "
    pieces = [time + b"x" * 16_384, time + b"y" * 10 + b"\n"]
    out = Demux().feed(Framed().feed(b"".join(pieces)))
    assert [text for _, text in out] == pieces


# words


def test_exit_codes_have_meanings() -> None:
    assert exit_meaning(0) == "ended well"
    assert exit_meaning(137) == "killed (SIGKILL)"
    assert exit_meaning(137, is_oom=True) == "reached its memory limit"
    assert exit_meaning(127) == "its command was not found"
    assert exit_meaning(139) == "crashed: bad memory access (SIGSEGV)"
    assert exit_meaning(255) == "failed" and exit_meaning(None) == ""
    assert all(exit_meaning(code) for code in range(256))


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_unsafe_reaches_a_cell(text: str) -> None:
    shown = plain(text)
    assert not {"Cc", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, shown))
    assert not set(shown) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
    )


def test_times_both_ways() -> None:
    assert read_time("0001-01-01T00:00:00Z") is None and read_time(None) is None
    assert read_time("nonsense") is None
    assert read_time("2026-11-24T13:27:45.605912683Z") == pytest.approx(1795526865.605912)
    assert read_time("2026-11-24T14:27:45+01:00") == 1795526865.0
    assert timestamp(1795526865.6054) == "2026-11-24T13:27:45.605Z"
    assert timestamp(None) is None
