# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of validity of an X.509 certificate (RFC 5280), read without a library of cryptography."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timezone


def not_after(pem: str) -> datetime:
    """The end of validity of the first certificate in a text.

    :raises ValueError: there is none, or it cannot be read.
    """
    # Not a regular expression: with many beginnings and no end, that would take quadratic time.
    body = pem.partition("-----BEGIN CERTIFICATE-----")[2]
    return _not_after(base64.b64decode(body.partition("-----END CERTIFICATE-----")[0]))


def _not_after(der: bytes) -> datetime:
    """The end of validity of a certificate in DER (RFC 5280, 4.1).

    Certificate ::= SEQUENCE { tbsCertificate ::= SEQUENCE { [0] version OPTIONAL, serialNumber, signature, issuer,
    validity ::= SEQUENCE { notBefore, notAfter }, … }, … }

    :raises ValueError: the bytes are not a certificate.
    """
    _tag, start, _end_of = _element(der, 0, 0x30)
    _tag, start, _end_of = _element(der, start, 0x30)
    tag, _start, end = _element(der, start)
    if tag == 0xA0:  # the version; what follows is the serial number
        _tag, _start, end = _element(der, end, 0x02)
    _tag, _start, end = _element(der, end, 0x30)  # signature
    _tag, _start, end = _element(der, end, 0x30)  # issuer
    _tag, start, _end_of = _element(der, end, 0x30)  # validity
    _tag, _start, end = _element(der, start)  # notBefore
    tag, start, end = _element(der, end)  # notAfter
    value = der[start:end].decode("ascii")
    # UTCTime: two digits of the year, 1950 to 2049.
    if tag == 0x17 and re.fullmatch(r"[0-9]{12}Z", value):
        value = ("19" if value >= "50" else "20") + value
    elif tag != 0x18 or not re.fullmatch(r"[0-9]{14}Z", value):  # GeneralizedTime
        raise ValueError("not a time")
    return datetime.strptime(value, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _element(der: bytes, at: int, tag: int | None = None) -> tuple[int, int, int]:
    """(tag, start, end) of the contents of the DER element at ``at``.

    :raises ValueError: the element does not fit into the bytes, or has another ``tag``.
    """
    if at + 2 > len(der) or tag not in (None, der[at]):
        raise ValueError("not the expected DER")
    start, length = at + 2, der[at + 1]
    if length >= 0x80:
        digits = length & 0x7F
        length = int.from_bytes(der[start : start + digits], "big")
        start += digits
    if start + length > len(der):
        raise ValueError("DER cut off")
    return der[at], start, start + length
