# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, and how it reads to a person."""

from __future__ import annotations


class NksError(Exception):
    """A failure that a user can understand: one sentence, and values for the result.

    :param msg: one sentence that says what was being done, what happened and what to do about it.
    :param values: further keys of the failed result (``status_code``, ``request_id``, ``api_error`` …).
    """

    def __init__(self, msg, **values):
        super().__init__(msg)
        self.msg = msg
        self.values = {key: value for key, value in values.items() if value is not None}


class BadInput(NksError):
    """An option whose value cannot be right; raised before any request that changes something."""

    def __init__(self, option, value, problem, remedy):
        if value is None:
            shown = "it"
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            shown = str(value)
        else:
            shown = "'%s'" % in_sentence(value)
        super().__init__("%s: %s %s; %s." % (option, shown, problem, remedy))


class ApiError(NksError):
    """The service answered, and the answer is a refusal.

    :param doing: what was being done to which resource, as in "create cluster demo".
    :param status: the HTTP status.
    :param detail: the service's own explanation, already free of secrets; may be empty.
    :param request_id: the header X-Openstack-Request-Id, or an empty text.
    """

    def __init__(self, doing, status, detail, request_id):
        self.doing = doing
        self.status = status
        self.detail = detail
        self.request_id = request_id
        said = detail.rstrip(".") if detail else "the service gave no explanation"
        reference = "HTTP %d" % status + (", request id %s" % request_id if request_id else "")
        hint = _hint(doing, status, detail)
        super().__init__(
            "Could not %s: %s (%s).%s" % (doing, said, reference, " " + hint if hint else ""),
            status_code=status,
            request_id=request_id,
            api_error=detail,
        )


class NoAnswer(NksError):
    """Nobody knows whether the request was carried out: no answer, a broken one, or one of a gateway.

    :param maybe_done: whether the request may have been carried out all the same.
    """

    def __init__(self, msg, maybe_done=True, retry_after=None, **values):
        super().__init__(msg, **values)
        self.maybe_done = maybe_done
        self.retry_after = retry_after


class BadReply(NksError):
    """The service answered with something that is not what the API guide describes."""


class WaitError(NksError):
    """A wait that ended badly."""


class Overtaken(NksError):
    """Someone else's operation came between the look at the state and a request: the plan is out of date.

    :param refusal: the error to raise where there is no time left to look and plan again.
    :param done: the actions of the plan that were carried out before.
    """

    def __init__(self, refusal, done=()):
        super().__init__(refusal.msg, **refusal.values)
        self.refusal = refusal
        self.done = list(done)


def visible(text):
    """A text as it may be written to a terminal or a log: one line, and control characters as escapes.

    They could write over what stands before them, change the title of a window, or (bidirectional overrides) show a text in another order.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else repr(letter)[1:-1]
        for letter in text
    )


def in_sentence(value):
    """A value within a sentence; a line break at its end, as YAML's ``|`` leaves one, is seen."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(value))


def _hint(doing, status, detail):
    """What to do about a refusal, where that is known (NKS user guide; observed answers)."""
    lower = detail.lower()
    if doing.startswith("get a token"):
        return ""
    if status == 401:
        return "The token was not accepted: it has expired, or a change of the API password has revoked it."
    if status == 403 and "keypair" in lower.replace(" ", ""):
        return "A key pair belongs to one user, and a new one may take half a minute until NKS sees it."
    if status == 403 and ("quota" in lower or "limit" in lower):
        return "Ask for a larger quota in the console, or remove what is not needed."
    if status == 403:
        return "The account needs the role ADMIN or NKS ADMIN in the project."
    if status == 406:
        return "The service does not take this API version."
    if status == 400 and not detail and doing.startswith("create cluster"):
        return (
            "Give external_network (and external_subnets) when the subnet is attached to an internet gateway, "
            "ncr_sgw and obs_sgw when it is not; and see that boot_volume_size is not below the image's minimum."
        )
    return ""
