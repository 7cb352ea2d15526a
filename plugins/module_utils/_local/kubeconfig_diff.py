# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diff may show of a kubeconfig: every difference, and no secret."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Dict

from ansible_collections.nhncloud.nks.plugins.module_utils._local.kubeconfig import (
    SECTIONS,
    Config,
    bodies_of,
    certificate_expiry,
    equal,
    find_entry,
)

HIDDEN = "(hidden)"
CHANGED = "(hidden, changed)"
#: Field -> what may be shown of it.
Shown = Dict[str, Any]


def describe(config: Config | None, context: str) -> Shown:
    """What a diff may show of ``context``: no key, token or password; certificates as the beginning
    of a SHA-256.

    :returns: {} if the context does not exist.
    """
    return {key: shown for key, (shown, _value) in _facts(config, context).items()}


def describe_change(
    before: Config | None, after: Config | None, context: str
) -> tuple[Shown, Shown]:
    """The two sides of a diff, as ``describe`` returns them: every difference is visible, and no
    secret is.
    """
    old, new = _facts(before, context), _facts(after, context)
    shown_old, shown_new = describe(before, context), describe(after, context)
    for key in set(old) & set(new):
        if old[key][1] != new[key][1] and shown_old[key] == shown_new[key]:
            shown_new[key] = CHANGED
    others_old, others_new = _other_names(before, context), _other_names(after, context)
    if others_old != others_new:
        shown_old["other entries"], shown_new["other entries"] = others_old, others_new
    if shown_old == shown_new and not equal(before or {}, after or {}):
        shown_old["rest"], shown_new["rest"] = HIDDEN, CHANGED
    return shown_old, shown_new


def _facts(config: Config | None, context: str) -> dict[str, tuple[Any, Any]]:
    """Field -> (what may be shown, the value itself)."""
    if config is None or find_entry(config, "contexts", context) is None:
        return {}
    is_current = str(config.get("current-context")) == context
    expiry = certificate_expiry(config, context)
    facts: dict[str, tuple[Any, Any]] = {
        "context": (context, context),
        "current": (is_current, is_current),
        "certificate_expiry": (expiry, expiry),
    }
    for body, fields in bodies_of(config, context).items():
        for field, value in sorted(fields.items(), key=str):
            name, shown = _shown(body, str(field), value)
            facts[name] = (shown, value)
    return facts


def _shown(body: str, field: str, value: Any) -> tuple[str, str]:
    """(name, text) with which a field of an entry may be shown; everything not known to be harmless
    is hidden.
    """
    if (body, field) in (("context", "cluster"), ("context", "user"), ("context", "namespace")):
        return field, str(value)
    if (body, field) == ("cluster", "server"):
        return field, re.sub(r"(?<=//)[^/]*@", HIDDEN + "@", str(value))
    if field in ("certificate-authority-data", "client-certificate-data"):
        digest = hashlib.sha256(str(value).encode("utf-8", "replace")).hexdigest()
        return field[: -len("-data")], "sha256:" + digest[:16]
    if field == "client-key-data":
        return "client-key", HIDDEN
    return "%s %s" % (body, field), HIDDEN


def _other_names(config: Config | None, context: str) -> list[str]:
    """The names of all entries but those of ``context``, as "users/admin"."""
    return sorted(
        "%s/%s" % (section, entry["name"])
        for section, _body in SECTIONS
        for entry in (config or {}).get(section) or []
        if str(entry["name"]) != context
    )
