# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, and how it reads to a person."""

from __future__ import annotations

from typing import Any, Iterable


class NksError(Exception):
    """A failure that a user can understand: one sentence, and values for the result.

    :param msg: one sentence: what was being done, what happened and what to do about it.
    :param values: additional keys of the failed result (``status_code``, ``request_id``,
        ``api_error`` …).
    """

    def __init__(self, msg: str, **values: Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.values = {key: value for key, value in values.items() if value is not None}


class BadInput(NksError):
    """An option with an invalid value; raised before any request that changes something.

    :param option: its name, or the path of a suboption ("autoscale.min_node_count").
    :param problem: what is wrong with the value, as the end of a sentence about it.
    """

    def __init__(self, option: str, value: Any, problem: str, remedy: str) -> None:
        self.option = option
        self.problem = problem
        if value is None:
            shown = "it"
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            shown = str(value)
        else:
            shown = "'%s'" % in_sentence(value)
        super().__init__("%s: %s %s; %s." % (option, shown, problem, remedy))


class ApiError(NksError):
    """The service answered, and rejected the request.

    :param doing: what was being done to which resource, as in "create cluster demo".
    :param status: the HTTP status.
    :param detail: the explanation in the answer, already free of secrets; may be empty.
    :param request_id: the header X-Openstack-Request-Id, or an empty string.
    """

    def __init__(self, doing: str, status: int, detail: str, request_id: str) -> None:
        self.doing = doing
        self.status = status
        self.detail = detail
        self.request_id = request_id
        explanation = detail.rstrip(".") if detail else "the service gave no explanation"
        reference = "HTTP %d" % status + (", request id %s" % request_id if request_id else "")
        hint = _hint(doing, status, detail)
        super().__init__(
            "Could not %s: %s (%s).%s"
            % (doing, explanation, reference, " " + hint if hint else ""),
            status_code=status,
            request_id=request_id,
            api_error=detail,
        )


class NoAnswer(NksError):
    """It is unknown whether the service performed the request: no answer, a broken one, or one of a
    gateway.

    :param maybe_done: whether the service may have performed the request nevertheless.
    :param retry_after: seconds after which the service wants to be asked again, if it sent any.
    """

    def __init__(
        self,
        msg: str,
        maybe_done: bool = True,
        retry_after: float | None = None,
        **values: Any,
    ) -> None:
        super().__init__(msg, **values)
        self.maybe_done = maybe_done
        self.retry_after = retry_after


class BadReply(NksError):
    """The answer is not what the API guide describes."""


class WaitError(NksError):
    """A wait that ended without the expected outcome."""


class PlanOutdated(NksError):
    """Another operation started between reading the state and a request: the plan is outdated.

    :param refusal: the error to raise if no time is left to read the state and plan again.
    :param done: the operations of the plan that were performed before. This package knows nothing
        of plans, so that their type is open.
    """

    def __init__(self, refusal: NksError, done: Iterable[Any] = ()) -> None:
        super().__init__(refusal.msg, **refusal.values)
        self.refusal = refusal
        self.done = list(done)


def visible(text: str) -> str:
    """A text for a terminal or a log: one line, with control characters as escapes.

    Control characters could overwrite what was printed before, change the title of a window, or
    (bidirectional overrides) show a text in another order.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else repr(letter)[1:-1]
        for letter in text
    )


def in_sentence(value: Any) -> str:
    """A value within a sentence; a line break at its end, as YAML's ``|`` leaves one, is visible."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(value))


def _hint(doing: str, status: int, detail: str) -> str:
    """What to do about a rejected request, if that is known (NKS user guide; observed answers)."""
    lower = detail.lower()
    if doing.startswith("get a token"):
        return ""
    if status == 401:
        return "The token was not accepted: it has expired, or a change of the API password has revoked it."
    if status == 403 and "keypair" in lower.replace(" ", ""):
        return "A key pair belongs to one user, and a new one can take up to 30 seconds to become visible to NKS."
    if status == 403 and ("quota" in lower or "limit" in lower):
        return "Ask for a larger quota in the console, or remove what is not needed."
    if status == 403:
        return "The account needs the role ADMIN or NKS ADMIN in the project."
    if status == 406:
        return "The service does not support this API version."
    if status == 400 and not detail and doing.startswith("create cluster"):
        return (
            "Set external_network (and external_subnets) if the subnet is attached to an internet gateway, "
            "ncr_sgw and obs_sgw if it is not, and check that boot_volume_size is not below the image's minimum."
        )
    return ""
