# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fault rules: what goes wrong on request, in transit or in a task."""

from __future__ import annotations

import random
import re
from typing import Any

REQUEST_EFFECTS = ("status", "reset_before", "reset_after", "delay", "redirect", "truncate", "garbage")
TASK_EFFECTS = ("fail_task", "drop_task")

_COMMON = {"effect", "times", "skip", "probability", "seed"}
_REQUEST_KEYS = _COMMON | {"method", "path", "query", "body_matches", "status", "body", "body_type", "headers", "retry_after", "processed", "seconds", "url"}
_TASK_KEYS = _COMMON | {"task", "cluster", "reason", "contents"}


def _typed(rule: dict[str, Any], name: str, kinds: tuple[type, ...]) -> None:
    if name in rule and (not isinstance(rule[name], kinds) or isinstance(rule[name], bool)):
        raise ValueError(f"{name!r} has a wrong type")


class FaultRules:
    """An ordered list of rules; the first that matches and is due is applied."""

    def __init__(self) -> None:
        self._rules: list[dict[str, Any]] = []

    def clear(self) -> None:
        self._rules.clear()

    def add(self, given: dict[str, Any]) -> dict[str, Any]:
        """Takes a rule after checking it, so that a typing error does not become a fault that never happens."""
        if not isinstance(given, dict):
            raise ValueError("a rule must be an object")
        rule = dict(given)
        effect = rule.get("effect")
        if effect in REQUEST_EFFECTS:
            allowed = _REQUEST_KEYS
        elif effect in TASK_EFFECTS:
            allowed = _TASK_KEYS
        else:
            raise ValueError(f"'effect' must be one of {list(REQUEST_EFFECTS + TASK_EFFECTS)}")
        unknown = set(rule) - allowed
        if unknown:
            raise ValueError(f"unknown keys for effect {effect!r}: {sorted(unknown)}")
        for name in ("method", "path", "query", "body_matches", "task", "cluster"):
            if name in rule:
                _typed(rule, name, (str,))
                re.compile(rule[name])
        for name in ("times", "skip", "status"):
            _typed(rule, name, (int, type(None)))
        for name in ("probability", "seconds"):
            _typed(rule, name, (int, float))
        if effect == "status" and "status" not in rule:
            raise ValueError("effect 'status' needs 'status'")
        if effect == "delay" and "seconds" not in rule:
            raise ValueError("effect 'delay' needs 'seconds'")
        if effect == "redirect" and "url" not in rule:
            raise ValueError("effect 'redirect' needs 'url'")
        rule.setdefault("times", None if "probability" in rule else 1)
        rule["hits"] = 0
        rule["_seen"] = 0
        rule["_random"] = random.Random(rule.get("seed", 0))
        self._rules.append(rule)
        return self._public(rule)

    @staticmethod
    def _public(rule: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in rule.items() if not name.startswith("_")}

    def as_list(self) -> list[dict[str, Any]]:
        return [self._public(rule) for rule in self._rules]

    @staticmethod
    def _due(rule: dict[str, Any]) -> bool:
        if rule["times"] is not None and rule["hits"] >= rule["times"]:
            return False
        rule["_seen"] += 1
        if rule["_seen"] <= rule.get("skip", 0):
            return False
        if rule["_random"].random() >= rule.get("probability", 1.0):
            return False
        rule["hits"] += 1
        return True

    def request_rules(self, method: str, path: str, query: str, body: str) -> list[dict[str, Any]]:
        """All delays that apply, and at most one other effect."""
        found: list[dict[str, Any]] = []
        other = False
        for rule in self._rules:
            if rule["effect"] not in REQUEST_EFFECTS or (other and rule["effect"] != "delay"):
                continue
            if not re.search(rule.get("method", ""), method) or not re.search(rule.get("path", ""), path):
                continue
            if not re.search(rule.get("query", ""), query) or not re.search(rule.get("body_matches", ""), body):
                continue
            if self._due(rule):
                found.append(rule)
                other = other or rule["effect"] != "delay"
        return found

    def task_rule(self, kind: str, event_name: str, cluster_name: str) -> dict[str, Any] | None:
        """The rule for a task that is about to start, named by its kind or its event type."""
        for rule in self._rules:
            if rule["effect"] not in TASK_EFFECTS:
                continue
            wanted = rule.get("task", "")
            if not (re.fullmatch(wanted, kind) or re.fullmatch(wanted, event_name) or not wanted):
                continue
            if not re.search(rule.get("cluster", ""), cluster_name):
                continue
            if self._due(rule):
                return rule
        return None
