"""The nearest right spelling: "did you mean `retry`?".

One place, so that a key, a stage, a param and a command are all guessed at in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that this one was probably meant to be; None when nothing is near."""
    from difflib import get_close_matches

    words = {w.casefold().replace("_", "-"): w for w in known}
    found = get_close_matches(word.casefold().replace("_", "-"), words, n=1, cutoff=0.6)
    return words[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for an unknown word: its nearest neighbour, else what there is, else nothing."""
    words = list(known)
    near = nearest(word, words)
    if near is not None:
        return f"did you mean `{near}`?"
    if not words or len(words) > 12:
        return ""
    return "there is " + ", ".join(f"`{w}`" for w in words)
