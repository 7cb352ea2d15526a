# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options as the user wrote them, before Ansible validates them: their form, and the secrets in
them.

Ansible's own validation collects the secrets too. A value that should be a dictionary and is not
ends that with an error, and the result of the error then shows the password (observed on
ansible-core 2.19 to 2.21, ``_list_no_log_values``). So the secrets are collected here first,
regardless of the form of the values. The module and the action plugin both use these functions.
"""

from __future__ import annotations

import os
import re
from typing import Any, Collection, Iterable, Iterator, Mapping

from ansible.module_utils.common.validation import check_type_dict, check_type_list

from ansible_collections.nhncloud.nks.plugins.module_utils._client import words
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

#: An option's entry in an argument spec, and the spec; the types of their values differ.
Entry = Mapping[str, Any]
Spec = Mapping[str, Entry]

#: What Ansible shows in place of a secret, as a whole value and within a text.
WHOLE = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
PART = "*" * 8
#: The shortest secret that is replaced in the keys of a result (characters): "on" is a part of too
#: many keys.
IN_KEYS = 8
#: A text that JSON, Python and URLs write as it is.
PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
#: The longest wrong value that a message shows (characters).
SHOWN_LENGTH = 60


def secrets(spec: Spec, given: Mapping[str, Any]) -> set[str]:
    """All secrets among the options and in the environment, in every spelling.

    :param spec: an argument spec.
    :param given: the options as the user set them, of any type and in any form.
    :returns: set of texts.
    """
    found = set(_found(spec, given))
    # Credentials of the environment are never shown either, whether or not the task uses them.
    found.update(
        os.environ.get("NHNCLOUD_" + name.upper(), "")
        for name, entry in spec.items()
        if entry.get("no_log")
    )
    found.discard("")
    return {spelling for secret in found for spelling in _spellings(secret)}


def shaped(spec: Spec, given: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """The options with every dictionary as a dictionary, also if it was written as text
    (``key=value`` or JSON, as Ansible reads it).

    :param within: the prefix of the names in messages.
    :raises BadInput: an option or a suboption cannot be a dictionary, a list of dictionaries, or (a
        secret) a string; or it is a number of so many digits that Python refuses to write it.
    """
    result = dict(given)
    for name, value in given.items():
        entry = _entry(spec, name)
        if entry is None or value is None:
            continue
        kind, path = entry.get("type", "str"), within + str(name)
        if entry.get("no_log") and kind == "str" and isinstance(value, (dict, list, bool)):
            raise BadInput(path, None, "is not a string", "put the value in quotation marks")
        if kind == "int" and _is_huge(value):
            raise BadInput(path, _short(value), "is too large a number", "set a smaller one")
        if kind == "dict":
            result[name] = _dictionary(entry, value, path, "a dictionary")
        elif _holds_dictionaries(entry):
            result[name] = _dictionaries(entry, value, path)
    return result


def shown(spec: Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options as a result may show them: every secret, and everything that may be one, is
    replaced regardless of its form.

    :param values: the options, as the user set them or validated.
    """
    result: dict[str, Any] = {}
    for name, value in values.items():
        entry = _entry(spec, name)
        if value in (None, ""):
            result[name] = value
        elif entry is None or entry.get("no_log"):
            # An option that does not exist may be a misspelled password.
            result[name] = WHOLE
        elif entry.get("options"):
            parts = [
                _shown_part(entry, part) for part in (value if isinstance(value, list) else [value])
            ]
            result[name] = parts if isinstance(value, list) else parts[0]
        elif entry.get("type") == "dict":
            result[name] = _shown_labels(value)
        else:
            result[name] = value
    return result


def hidden(tree: Any, found: Collection[str]) -> Any:
    """A copy of a result without secrets, as Ansible hides them; also in the keys of dictionaries,
    which Ansible does not change.

    :param found: what :func:`secrets` returned.
    """
    forms = sorted(found, key=len, reverse=True)
    long = [form for form in forms if len(form) >= IN_KEYS]

    def text(value: str, forms: Iterable[str]) -> str:
        for form in forms:
            value = value.replace(form, PART)
        return value

    def leaf(value: Any) -> Any:
        if isinstance(value, str):
            return WHOLE if value in found else text(value, forms)
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and any(form in str(value) for form in forms)
        ):
            return WHOLE
        return value

    # Without recursion: a result may be nested deeper than Python calls functions.
    root: list[Any] = [tree]
    holders: list[Any] = [root] if forms else []
    while holders:
        holder = holders.pop()
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if isinstance(value, dict):
                holder[key] = {
                    text(name, long) if isinstance(name, str) else name: item
                    for name, item in value.items()
                }
                holders.append(holder[key])
            elif isinstance(value, (list, tuple)):
                holder[key] = list(value)
                holders.append(holder[key])
            else:
                holder[key] = leaf(value)
    return root[0]


def _entry(spec: Spec, name: str) -> Entry | None:
    """The entry of an option by its name or by an alias; None for an option that does not exist."""
    if name in spec:
        return spec[name]
    return next((entry for entry in spec.values() if name in entry.get("aliases", ())), None)


def _is_huge(value: Any) -> bool:
    """Whether a number, or the number in a text, is larger than any useful one."""
    try:
        return abs(float(value)) >= 2**63
    except OverflowError:
        return True
    except (TypeError, ValueError):
        return False


def _short(value: Any) -> str | None:
    """An invalid value for a message; None if it is too long. It is never cut: a part of a secret
    would not be recognized in the message.
    """
    try:
        return str(value) if len(str(value)) <= SHOWN_LENGTH else None
    except ValueError:
        return None


def _holds_dictionaries(entry: Entry) -> bool:
    return bool(entry.get("type") == "list" and entry.get("elements") == "dict")


def _has_secrets(entry: Entry) -> bool:
    """Whether a part of an option's value may be a secret: a suboption, or anything if the keys are
    free.
    """
    options = entry.get("options")
    return options is None or any(
        inner.get("no_log") or (inner.get("type") in ("dict", "list") and _has_secrets(inner))
        for inner in options.values()
    )


def _found(spec: Spec, values: Mapping[str, Any]) -> Iterator[str]:
    """The secrets in a dictionary of options, regardless of its form. A part in none of the
    expected forms cannot contain one.
    """
    for name, value in values.items():
        entry = _entry(spec, name)
        if entry is None:
            continue
        if entry.get("no_log"):
            yield from _texts(value)
        elif entry.get("type") == "dict" or _holds_dictionaries(entry):
            for part in _parts(value):
                if entry.get("options"):
                    yield from _found(entry["options"], part)
                else:
                    yield from wire.appkeys(part)
                    yield from _unreadable(part)


def _unreadable(value: Any) -> Iterator[str]:
    """The texts in the user's own labels that may contain an appkey in a form that cannot be
    parsed.
    """
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, (dict, list)):
            pending.extend(item.values() if isinstance(item, dict) else item)
        elif _may_hold_appkey(item):
            yield item


def _may_hold_appkey(value: Any) -> bool:
    return (
        isinstance(value, str)
        and "appkey" in value.lower()
        and not isinstance(wire.read("json", value), (dict, list))
    )


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """The dictionaries that a value contains, or that Ansible would convert it to."""
    for part in value if isinstance(value, list) else _split(value):
        if isinstance(part, str):
            try:
                part = check_type_dict(part)
            except TypeError:
                continue
        if isinstance(part, dict):
            yield part


def _split(value: Any) -> list[Any]:
    """A text as it is, for an option that is a dictionary, and split at its commas, for one that is
    a list.
    """
    return [value] + (value.split(",") if isinstance(value, str) and "," in value else [])


def _texts(value: Any) -> Iterator[str]:
    """All texts and numbers in a value, as texts."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, (dict, list)):
            pending.extend(item.values() if isinstance(item, dict) else item)
        elif isinstance(item, str):
            yield item
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            yield str(item)


def _spellings(secret: str) -> Iterable[str]:
    """The forms in which a secret may appear in a text."""
    if PLAIN.fullmatch(secret):
        return [secret]
    spellings: Iterable[str] = words.spellings(secret)
    return spellings


def _dictionary(entry: Entry, value: Any, path: str, form: str) -> Any:
    """A value as a dictionary, with all its parts in their form.

    :param form: the type of the option, for messages.
    :raises BadInput: the value is no dictionary.
    """
    try:
        value = check_type_dict(value)
    except TypeError:
        raise _misshapen(entry, value, path, form) from None
    return shaped(entry["options"], value, path + ".") if entry.get("options") else value


def _dictionaries(entry: Entry, value: Any, path: str) -> list[Any]:
    """A value as a list of dictionaries; see :func:`_dictionary`."""
    form = "a list of dictionaries"
    if isinstance(value, list):
        return [
            _dictionary(entry, item, "%s[%d]" % (path, number), form)
            for number, item in enumerate(value)
        ]
    try:
        return [_dictionary(entry, item, path, form) for item in check_type_list(value)]
    except TypeError:
        raise _misshapen(entry, value, path, form) from None


def _misshapen(entry: Entry, value: Any, path: str, form: str) -> BadInput:
    """The error about a value that is no dictionary, or no list of dictionaries."""
    keys = ", ".join(
        name + (" (required)" if inner.get("required") else "")
        for name, inner in (entry.get("options") or {}).items()
    )
    option = re.sub(r"\[[0-9]+\]\Z", "", path)
    return BadInput(
        path,
        None if _has_secrets(entry) or isinstance(value, (dict, list)) else _short(value),
        "is not %s" % (form if path == option else "a dictionary"),
        "set %s to %s %s"
        % (option, form, "with the keys " + keys if keys else "of names and values"),
    )


def _shown_part(entry: Entry, part: Any) -> Any:
    """An element of an option with suboptions, as a result may show it."""
    if isinstance(part, dict):
        return shown(entry["options"], part)
    return WHOLE if part not in (None, "") and _has_secrets(entry) else part


def _shown_labels(value: Any) -> Any:
    """A dictionary of the user's own names, or the value that was set instead, as a result may show
    it.
    """
    if isinstance(value, str):
        return WHOLE if "appkey" in value.lower() else value
    try:
        return _without_appkeys(value)
    except RecursionError:
        return WHOLE


def _without_appkeys(value: Any) -> Any:
    """The user's own labels without anything that may be an appkey; see :func:`wire.appkeys` for
    those that can be read.
    """
    if isinstance(value, dict):
        return {
            name: WHOLE if item and str(name).lower().endswith("appkey") else _without_appkeys(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_without_appkeys(item) for item in value]
    return WHOLE if _may_hold_appkey(value) else value
