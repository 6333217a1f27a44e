"""Secrets in a log: overwritten in place, wherever and in however many pieces they come."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.runs.masking import Mask, masked
from mltui.runs.watch import Watch

SECRETS = [b"hunter2-hunter2\n", b"-----BEGIN KEY-----\nMIIEowIBAAKC\nshort\n", b"tiny"]


def _mask(folder: Path) -> tuple[Path, Mask]:
    log = folder / "log"
    log.write_bytes(b"")
    return log, Mask(log, SECRETS)


@given(
    st.lists(
        st.sampled_from([b"hunter2-hunter2", b"MIIEowIBAAKC", b"hunter2", b"\n", b"epoch 1", b"\0"])
    ),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_none_stays_however_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("mask")
    log, mask = _mask(folder)
    whole = b"".join(pieces)
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    for start, end in pairwise(places):
        with log.open("ab") as file:
            file.write(whole[start:end])
        mask.apply()
    kept = log.read_bytes()
    assert len(kept) == len(whole)
    assert b"hunter2-hunter2" not in kept
    assert b"MIIEowIBAAKC" not in kept
    expected = whole.replace(b"hunter2-hunter2", b"*" * 15).replace(b"MIIEowIBAAKC", b"*" * 12)
    assert kept == expected


def test_words_that_are_too_short_to_be_secret_stay(tmp_path: Path) -> None:
    log, mask = _mask(tmp_path)
    log.write_bytes(b"a tiny short line\n")
    assert mask.apply() == 0
    assert log.read_bytes() == b"a tiny short line\n"


async def test_a_log_is_masked_while_it_is_written(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "KEY").write_bytes(b"hunter2-hunter2")
    log = tmp_path / "log"
    async with masked(log, secrets):
        with log.open("ab", buffering=0) as file:
            file.write(b"key: hunter2-hunter2\n")
            async with asyncio.timeout(60), Watch(log) as watch:
                while b"hunter2" in log.read_bytes():
                    await watch.changed()
            file.write(b"again: hunter2-")
            file.write(b"hunter2\n")
    assert log.read_bytes() == b"key: ***************\nagain: ***************\n"
