"""When a certificate begins and ends, read from its PEM text. Pure; nothing is verified.

Only the validity is needed, so this walks to it (RFC 5280, section 4.1) in place of a library for
all of X.509.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime

_PEM = re.compile(
    rb"-----BEGIN (?:TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END (?:TRUSTED )?CERTIFICATE"
)
_SEQUENCE, _VERSION, _UTC_TIME, _TIME = 0x30, 0xA0, 0x17, 0x18
MOST_BYTES = 1 << 20


def validity(pem: bytes) -> tuple[float, float] | None:
    """Begin and end of the first certificate in a PEM text, Unix seconds; None: it holds none."""
    found = _PEM.search(pem[:MOST_BYTES])
    if found is None:
        return None
    try:
        der = base64.b64decode(b"".join(found[1].split()), validate=True)
        _, whole, _ = _element(der)
        _, body, _ = _element(whole)
        tag, _, rest = _element(body)
        if tag == _VERSION:
            _, _, rest = _element(rest)  # the serial number
        for _ in range(2):  # the algorithm, the issuer
            _, _, rest = _element(rest)
        tag, dates, _ = _element(rest)
        if tag != _SEQUENCE:
            return None
        kind, first, dates = _element(dates)
        last_kind, last, _ = _element(dates)
        return _time(kind, first), _time(last_kind, last)
    except (ValueError, IndexError, binascii.Error):
        return None


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content, and what follows. IndexError, ValueError for what is cut off."""
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise ValueError("a length that no certificate has")
        start = 2 + size
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise ValueError("it is cut off")
    return tag, data[start : start + length], data[start + length :]


def _time(tag: int, raw: bytes) -> float:
    text = raw.decode("ascii")
    if tag == _UTC_TIME:  # two digits for the year: up to 49 is 20xx
        text = f"{'20' if int(text[:2]) < 50 else '19'}{text}"
    elif tag != _TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
