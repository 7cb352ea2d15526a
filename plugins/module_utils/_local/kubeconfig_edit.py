# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merging a context into the text of a kubeconfig, and removing it, with everything else kept as it
is written.

Pure functions from text to text. A change is made line by line, so that comments and order stay;
what cannot be edited in this way is written again from its meaning.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Optional

try:
    import yaml
except ImportError:
    # ``kubeconfig`` says so before anything here needs it.
    yaml = None

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local.kubeconfig import (
    SECTIONS,
    Config,
    Entry,
    as_yaml,
    parse,
    parse_existing,
    render,
    yaml_classes,
)

#: Section -> {index of an entry: its new form, or None to remove it}; an index past the end adds
#: one.
Changes = Dict[str, Dict[int, Optional[Entry]]]


class _CannotSplice(Exception):
    """The text is written in a way that cannot be edited line by line."""


def merge(
    text: str | None,
    single_config: Config,
    context: str,
    set_current: bool,
    source: str = "the existing kubeconfig",
) -> str:
    """The kubeconfig ``text`` with the three entries of ``single_config`` added under the name
    ``context``.

    Everything else stays: other entries, unknown keys, order and comments. If the text cannot be
    edited line by line (flow style, JSON, anchors …), it is written again with the same meaning,
    without its comments.

    :param text: the current text; None or empty if there is none.
    :param single_config: the result of ``kubeconfig.single`` for ``context``.
    :param set_current: False keeps an existing current-context.
    :returns: the new text; the same text if it already has this meaning.
    :raises NksError: ``text`` is not a kubeconfig.
    """
    config = parse_existing(text, source)
    if not config:
        desired = dict(single_config)
        desired["current-context"] = context if set_current else ""
        return _verified(_with_line_end(text or "") + render(desired), desired)
    changes: Changes = {}
    for section, _body in SECTIONS:
        entry = dict(single_config[section][0], name=context)
        entries = config.get(section) or []
        places = [index for index, old in enumerate(entries) if str(old["name"]) == context]
        changes[section] = dict.fromkeys(places[1:])
        if not places:
            changes[section][len(entries)] = entry
        elif entries[places[0]] != entry:
            changes[section][places[0]] = entry
    current = context if set_current and config.get("current-context") != context else None
    return _edit(text or "", config, changes, current)


def remove(text: str | None, context: str, source: str = "the existing kubeconfig") -> str | None:
    """The kubeconfig ``text`` without the context ``context`` and the cluster and user of that
    name.

    A cluster or user that another context uses stays. A current-context with that name becomes "".

    :returns: the new text; the same text (None included) if there is nothing to remove.
    :raises NksError: ``text`` is not a kubeconfig.
    """
    config = parse_existing(text, source)
    if text is None:
        return None
    others = [
        entry.get("context") or {}
        for entry in config.get("contexts") or []
        if str(entry["name"]) != context
    ]
    changes: Changes = {}
    for section, body in SECTIONS:
        used = body != "context" and any(str(other.get(body)) == context for other in others)
        entries = [] if used else config.get(section) or []
        changes[section] = {
            index: None for index, entry in enumerate(entries) if str(entry["name"]) == context
        }
    current = "" if str(config.get("current-context")) == context else None
    return _edit(text, config, changes, current)


def _edit(text: str, config: Config, changes: Changes, current: str | None) -> str:
    """``text``, which has the meaning ``config``, with ``changes`` made.

    :param current: the new current-context, or None to keep it.
    """
    changes = {section: edits for section, edits in changes.items() if edits}
    if not changes and current is None:
        return text
    desired = dict(config)
    for section, edits in changes.items():
        entries = [
            edits.get(index, old) for index, old in enumerate((config.get(section) or []) + [None])
        ]
        desired[section] = [entry for entry in entries if entry is not None]
    if current is not None:
        desired["current-context"] = current
    try:
        return _verified(_splice(text, changes, current, desired), desired)
    except _CannotSplice:
        return render(desired)


def _verified(text: str, desired: Config) -> str:
    """``text`` if it means exactly ``desired``; otherwise ``desired`` as a new text, so that no
    wrong edit is used.
    """
    try:
        return text if parse(text, "") == desired else render(desired)
    except NksError:
        return render(desired)


def _splice(text: str, changes: Changes, current: str | None, desired: Config) -> str:
    """The edits of ``_edit`` made on the lines of ``text``.

    :raises _CannotSplice: the text is not in block style throughout.
    """
    spliced = _Lines(text)
    for section, _body in SECTIONS:
        if section in changes:
            spliced.change_section(section, changes[section], emptied=not desired[section])
    if current is not None:
        spliced.set_current(current)
    return spliced.text()


class _Lines:
    """The lines of a kubeconfig, and the edits of them, at the positions of its YAML nodes.

    :raises _CannotSplice: the text is not in block style.
    """

    def __init__(self, text: str) -> None:
        loader = yaml_classes()[0]
        if as_yaml(text) is not text:
            raise _CannotSplice  # JSON
        root = yaml.compose(text, Loader=loader)
        if not isinstance(root, yaml.MappingNode) or root.flow_style:
            raise _CannotSplice
        pairs = [(key, node) for key, node in root.value if isinstance(key, yaml.ScalarNode)]
        self.root = root
        self.lines = _with_line_end(text).splitlines(True)
        self.newline = "\r\n" if self.lines[0].endswith("\r\n") else "\n"
        self.keys = {key.value: key.start_mark.line for key, _node in pairs}
        self.nodes = {key.value: node for key, node in pairs}
        self.margin = " " * root.start_mark.column
        self.dash = self._dash_column(root.start_mark.column)
        #: (first line, line after the last, new lines).
        self.edits: list[tuple[int, int, list[str]]] = []
        #: New lines after everything else.
        self.tail: list[str] = []

    def _dash_column(self, default: int) -> int:
        """The column of the dashes, each of which must be the first character of a line."""
        columns = []
        for section, _body in SECTIONS:
            node = self.nodes.get(section)
            if not isinstance(node, yaml.SequenceNode) or node.flow_style:
                continue
            for entry in node.value:
                before = self.lines[entry.start_mark.line][: entry.start_mark.column]
                if not re.match(r"^ *- +$", before):
                    raise _CannotSplice
                columns.append(before.index("-"))
        return columns[0] if columns else default

    def change_section(self, section: str, entries: dict[int, Entry | None], emptied: bool) -> None:
        """Replace, remove (None) or add (an index past the end) entries of a section."""
        node = self.nodes.get(section)
        blocks = {index: self._block(entry) for index, entry in entries.items()}
        added = [line for block in blocks.values() for line in block]  # if there is no entry yet
        if node is None:
            self.tail += [self.margin + section + ":" + self.newline] + added
        elif not node.value or isinstance(node, yaml.ScalarNode):  # [] or null
            line = node.start_mark.line
            self.edits.append((line, line + 1, [self._with_value(node, "")] + added))
        elif node.flow_style:
            raise _CannotSplice
        else:
            if emptied:
                line = self.keys[section]
                key = re.sub(r"^( *[^\s:]+ *:)", r"\1 []", self.lines[line], count=1)
                self.edits.append((line, line + 1, [key]))
            for index, block in sorted(blocks.items()):
                old = node.value[index] if index < len(node.value) else None
                first = _end(node) if old is None else old.start_mark.line
                self.edits.append((first, _end(node if old is None else old), block))

    def set_current(self, current: str) -> None:
        """Set ``current-context``."""
        value = render({"current-context": current}).strip()
        if "current-context" in self.nodes:
            node = self.nodes["current-context"]
            line = node.start_mark.line
            new = self._with_value(node, value.split(": ", 1)[1])
            self.edits.append((line, line + 1, [new]))
        else:
            self.tail.append(self.margin + value + self.newline)

    def text(self) -> str:
        """The text with all edits."""
        end = _end(self.root)
        done, result = 0, []
        for first, after, new in sorted(
            self.edits + [(end, end, self.tail)], key=lambda edit: edit[:2]
        ):
            result += self.lines[done:first] + new
            done = after
        return "".join(result + self.lines[done:])

    def _block(self, entry: Entry | None) -> list[str]:
        if entry is None:
            return []
        return [" " * self.dash + line + self.newline for line in render([entry]).splitlines()]

    def _with_value(self, node: Any, value: str) -> str:
        """The line of a scalar or an empty list, with that replaced by ``value``; a comment after
        it stays.
        """
        start, end = node.start_mark, node.end_mark
        if start.line != end.line:
            raise _CannotSplice
        line = self.lines[start.line]
        before = line[: start.column].rstrip(" ")
        return "%s%s%s" % (before, " " + value if value else "", line[end.column :])


def _end(node: Any) -> int:
    """Number of the line after the last one of ``node`` (a block's own end mark is behind the
    comments after it).
    """
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return int(node.end_mark.line) + (1 if node.end_mark.column else 0)


def _with_line_end(text: str) -> str:
    return text if not text or text.endswith(("\n", "\r")) else text + "\n"
