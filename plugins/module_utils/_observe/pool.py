# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Concurrent reads: requests that do not depend on each other take the time of one.

Threads only make requests; answers are handled in the caller's thread. :meth:`Pool.gather` returns answers and raises errors in the
order of the calls. :meth:`Pool.run` handles answers as they arrive, so that the next request can follow immediately; its handlers
must not let that order show.
"""

from __future__ import annotations

import queue
import threading
from typing import Any, Callable, Generic, TypeVar

Answer = TypeVar("Answer")


class Pending(Generic[Answer]):
    """The answer to a call that runs in another thread."""

    def __init__(self, call: Callable[[], Answer]) -> None:
        self._call = call
        self._done = threading.Event()
        self._answer: Answer | None = None
        self._error: BaseException | None = None

    def run(self, caught: type[BaseException] = BaseException) -> None:
        """Make the call. What it raises is raised by :meth:`result`.

        :param caught: the errors that are kept for that; others are raised immediately.
        """
        try:
            self._answer = self._call()
        except caught as error:  # pylint: disable=broad-exception-caught
            self._error = error
        self._done.set()

    def wait(self) -> None:
        """Wait until the call has ended."""
        self._done.wait()

    def result(self) -> Answer:
        """Wait for the answer.

        :raises BaseException: what the call raised.
        """
        self.wait()
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]  # None can be the answer of a call.


class Pool:
    """Threads for requests, started when they are needed.

    The threads are daemons: an interrupted run ends immediately, whatever they are waiting for.

    :param workers: the maximum number of threads.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._calls: queue.SimpleQueue[
            tuple[Pending[Any], Callable[[Pending[Any]], None]] | None
        ] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[
            tuple[Pending[Any], Callable[..., None], tuple[Any, ...]]
        ] = queue.SimpleQueue()
        self._open = 0

    def submit(
        self,
        call: Callable[[], Answer],
        done: Callable[[Pending[Any]], None] = lambda pending: None,
    ) -> Pending[Answer]:
        """Make a call in a thread.

        :param done: called in that thread once there is an answer, with what this method returns.
        """
        pending = Pending(call)
        self._calls.put((pending, done))
        if len(self._threads) < self._workers:
            thread = threading.Thread(target=self._serve, daemon=True)
            self._threads.append(thread)
            thread.start()
        return pending

    def gather(self, *calls: Callable[[], Any]) -> list[Any]:
        """The answers to some calls, in their order. The first call is made in the caller's thread.

        :raises BaseException: what the first failing call, in their order, raised. All calls have ended then, except after an interruption.
        """
        pending = [self.submit(call) for call in calls[1:]]
        first = Pending(calls[0])
        # An interruption of the caller's thread must not wait for the other calls.
        first.run(caught=Exception)
        every = [first, *pending]
        for item in every:
            item.wait()
        return [item.result() for item in every]

    def ask(self, call: Callable[[], Answer], then: Callable[..., None], *about: Any) -> None:
        """Make a call in a thread. :meth:`run` calls ``then(pending, *about)`` when the call has ended."""
        self._open += 1
        self.submit(call, lambda pending: self._answers.put((pending, then, about)))

    def run(self) -> None:
        """Handle answers, one after another, until every call of :meth:`ask` has been handled.

        :raises BaseException: what a handler raised.
        """
        while self._open:
            pending, then, about = self._answers.get()
            self._open -= 1
            then(pending, *about)

    def close(self, wait: bool = False) -> None:
        """End the threads, each after the call that it is making; calls that have not begun are dropped.

        :param wait: whether to wait until the threads have ended.
        """
        while True:
            try:
                self._calls.get_nowait()
            except queue.Empty:
                break
        threads, self._threads = self._threads, []
        for _thread in threads:
            self._calls.put(None)
        for thread in threads if wait else ():
            thread.join()

    def _serve(self) -> None:
        while True:
            item = self._calls.get()
            if item is None:
                return
            pending, done = item
            pending.run()
            done(pending)
