# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath over results."""

from __future__ import annotations

import json
import traceback
from typing import Any, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError

try:
    import jmespath

    JMESPATH_ERROR = None
except ImportError:
    jmespath = None
    JMESPATH_ERROR = traceback.format_exc()

#: How deep an expression may be nested. Python's own limit depends on the depth of the calls so
#: far, which differs between the entry points.
MAX_DEPTH = 200
MAX_NESTED = 60
TOO_DEEP = "is nested too deeply for JMESPath"


def check(expression: str, option: str = "query") -> Any:
    """The compiled expression; called early, it rejects an invalid one before any request.

    :returns: an object of jmespath, which has no types.
    :raises BadInput: with the place of the first mistake.
    """
    if jmespath is None:
        raise NksError(
            "%s: the Python library 'jmespath' is needed where this task runs (pip install jmespath)."
            % option,
            exception=JMESPATH_ERROR,
        )
    if _nested(expression) > MAX_NESTED:
        raise BadInput(option, None, TOO_DEEP, "use a simpler one")
    try:
        compiled = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise BadInput(
            option, expression, "is not a JMESPath expression (%s)" % reason, "see jmespath.org"
        ) from None
    except RecursionError:
        raise BadInput(option, None, TOO_DEEP, "use a simpler one") from None
    except Exception as error:
        # Bugs of the library with unusual expressions.
        raise BadInput(
            option,
            expression,
            "is not a JMESPath expression (%s)" % _reason(error),
            "see jmespath.org",
        ) from None
    if _depth(compiled.parsed) > MAX_DEPTH:
        raise BadInput(option, None, TOO_DEEP, "use a simpler one")
    return compiled


def _nested(expression: str) -> int:
    """The largest number of open brackets; counts those in quotation marks too, which no real
    expression exceeds.
    """
    depth = deepest = 0
    for letter in expression:
        if letter in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in ")]}":
            depth = max(0, depth - 1)
    return deepest


def _depth(node: dict[str, Any]) -> int:
    """The depth of the tree of a compiled expression."""
    level, depth = [node], 0
    while level:
        depth += 1
        level = [
            child for part in level for child in part.get("children", ()) if isinstance(child, dict)
        ]
    return depth


def _reason(error: Exception) -> str:
    """The first line of an exception's text, for use within a sentence."""
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def check_early(options: Mapping[str, Any]) -> None:
    """Reject an invalid option ``query`` before any request; see :func:`check`."""
    if options["query"] is not None:
        check(options["query"])


def search(expression: str, data: Any, option: str = "query") -> Any:
    """The result of the expression: data as JSON has it.

    :raises BadInput: the expression does not fit the data.
    """
    compiled = check(expression, option)
    try:
        found = compiled.search(data)
        # The result of "&name" is an expression, not data.
        json.dumps(found)
    except jmespath.exceptions.JMESPathError as error:
        raise BadInput(
            option, expression, "does not fit the result (%s)" % _reason(error), "see jmespath.org"
        ) from None
    except TypeError as error:
        # JMESPath defines an order only for numbers, and the library leaves the rest to Python.
        reason = (
            "it gives an expression and not data"
            if "JSON serializable" in str(error)
            else _reason(error)
        )
        raise BadInput(
            option, expression, "does not fit the result (%s)" % reason, "see jmespath.org"
        ) from None
    except Exception as error:
        # Bugs of the library with unusual expressions, such as a slice with a step of 0.
        raise BadInput(
            option, expression, "does not fit the result (%s)" % _reason(error), "see jmespath.org"
        ) from None
    return found


def applied(expression: str | None, key: str, items: list[Any] | dict[str, Any]) -> dict[str, Any]:
    """The result of an information module: the items, and the result of the expression over them."""
    result: dict[str, Any] = {key: items}
    if expression is not None:
        result["result"] = search(expression, items)
    return result
