# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception by which a handler refuses a request."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal: HTTP status and the text that becomes `detail` of the error body.

    `empty` gives the status with no body at all, as the service does when the external network is left out.
    """

    def __init__(self, status: int, detail: str, *, empty: bool = False) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.empty = empty


def bad_request(detail: str) -> ApiError:
    return ApiError(400, detail)


def invalid_input(field: str, value: object, reason: str) -> ApiError:
    """A value of a wrong type. Magnum 9.4.1 quotes what was sent, secrets included, and so does this."""
    return ApiError(400, f"Invalid input for field/attribute {field}. Value: '{value!r}'. {reason}")
