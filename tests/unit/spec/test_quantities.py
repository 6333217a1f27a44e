from __future__ import annotations

import pytest

from mltui.spec.quantities import read_cpu, read_duration, read_rate, read_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600),
        ("2s", 2),
        ("1h30m", 5400),
        ("7d", 604800),
        ("250ms", 0.25),
        ("1.5h", 5400),
        ("1w2d3h4m5s6ms", 788645.006),
        (90, 90),
        (0.5, 0.5),
        (0, 0),
    ],
)
def test_durations(text: str | float, seconds: float) -> None:
    assert read_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10", "write 10 without quotes for seconds, or `10s`"),
        ("10 minutes", "write `10m`"),
        ("1H", "write `1h`"),
        ("30m1h", "larger unit first"),
        ("1m1m", "each once"),
        ("soon", "write `90s` or `1h30m`"),
        (-1, "at least 0"),
        (1e12, "30 years"),
    ],
)
def test_no_durations(text: str | float, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512Mi", 512 * 2**20),
        ("1.5Gi", 3 * 2**29),
        ("2G", 2 * 10**9),
        ("2GB", 2 * 10**9),
        ("4096Ki", 4096 * 1024),
        ("5000k", 5_000_000),
        ("0.0001T", 10**8),
        (2**30, 2**30),
    ],
)
def test_sizes(text: str | float, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("512m", "did you mean `512Mi`?"),
        ("1 gb", "did you mean `1G`?"),
        ("1gib", "did you mean `1Gi`?"),
        ("much", "write `512Mi` or `2G`"),
        (512, "that is only 512 bytes; did you mean `512Mi`?"),
        (3.1, "at least 1 MiB"),
        (-1, "at least 1 MiB"),
        (2**70, "at most 1 EiB"),
    ],
)
def test_no_sizes(text: str | float, hint: str) -> None:
    with pytest.raises(ValueError, match=hint.replace("?", r"\?")):
        read_size(text)


def test_cpus_and_rates() -> None:
    assert read_cpu(2) == 2.0
    assert read_cpu("500m") == 0.5
    for wrong in ("half", 0, -1, "0m"):
        with pytest.raises(ValueError):
            read_cpu(wrong)
    assert read_rate("1 per day") == (1, 86400.0)
    assert read_rate("2 per 6h") == (2, 21600.0)
    assert read_rate("3 per minutes") == (3, 60.0)
    for text in ("daily", "0 per day", "1 per 0s", "1 per moon"):
        with pytest.raises(ValueError, match="write"):
            read_rate(text)
