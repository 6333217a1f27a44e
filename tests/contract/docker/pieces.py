"""Bytes in pieces of any size, as a connection brings them."""

from __future__ import annotations

import random


def cut(data: bytes, seed: int) -> list[bytes]:
    """Cut somewhere, by a seed."""
    chance = random.Random(seed)
    pieces, at = [], 0
    while at < len(data):
        step = chance.choice([1, 2, 3, 7, 100, 10_000])
        pieces.append(data[at : at + step])
        at += step
    return pieces
