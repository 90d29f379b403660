"""Keys typed ahead: what opens something may take a while, and the keys behind it are for what is
opened. A slow line brings many keys at once, and a quick person does not wait.

Textual hands every key to whatever has the focus when it arrives. Here they wait in one queue, and
the next one is delivered when all that the last one did is done, and what it opened has the focus.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any, Protocol

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker

Typed = events.Key | events.Paste

TURN = 0.01  # seconds between two looks whether something is open by now
LOST = 0.05  # seconds after which it is looked whether a follower can still arrive
MOST = 1000  # turns that are waited for what opens: the loop has run in each of them
CALLS_OFF = ("escape", "ctrl+q")  # these do not wait for what opens: they end it
LATE = "that takes long to open; what was typed meanwhile is dropped"


class Follower(Message):
    """Goes the way of a key, up to the app, and so arrives when that key has done what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = asyncio.Event()


class Typist(Protocol):
    """The app, as far as its keys are concerned."""

    @property
    def screen(self) -> Screen[Any]: ...
    @property
    def focused(self) -> Widget | None: ...
    @property
    def state(self) -> object: ...

    async def deliver(self, event: Typed) -> None:
        """To whatever has the focus."""

    async def catch_up(self) -> None:
        """What is to be called after an answer is called now."""

    def say(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...


class TypeAhead:
    """The queue of one app; `run` delivers."""

    def __init__(self, app: Typist) -> None:
        self._app = app
        self._held: deque[Typed] = deque()
        self._some = asyncio.Event()
        self._busy = False
        self._expected = False
        self._openers: dict[Worker[Any], Screen[Any]] = {}  # and the screen that each began at

    @property
    def idle(self) -> bool:
        """Whether all that was typed has been delivered and has done what it does."""
        return not self._busy and not self._held

    def take(self, event: Typed) -> None:
        """A key or a pasted text has arrived."""
        self._held.append(event)
        self._some.set()

    def take_early(self, data: bytes) -> None:
        """What was typed before anybody listened, as the terminal sent it."""
        parser, text = XTermParser(), data.decode(errors="replace")
        for event in [*parser.feed(text), *parser.feed("")] if text else ():
            if isinstance(event, Typed):
                self.take(event)

    def expect(self) -> None:
        """The key that is being delivered is to open something."""
        self._expected = True

    def wait_for(self, worker: Worker[Any]) -> None:
        """Hold the keys until this work asks something or ends; and again after each answer."""
        self._openers[worker] = self._app.screen

    def release(self, worker: Worker[Any]) -> None:
        """It asks nothing more, though it goes on."""
        self._openers.pop(worker, None)

    async def run(self) -> None:
        """Deliver, for ever. What was typed before is held until then: a terminal that nobody had
        made raw yet has handed Enter on as a line feed."""
        self._held = deque(map(_entered, self._held))
        await self._follow(self._app.screen)
        while True:
            await self._some.wait()
            self._some.clear()
            self._busy = True
            await self._until_open()
            while self._held:
                await self._one(self._held.popleft())
            self._busy = False

    async def _one(self, event: Typed) -> None:
        app, self._expected = self._app, False
        before = app.screen, app.focused, app.state
        way = app.focused or app.screen
        await app.deliver(event)
        await self._follow(way)  # what the key does itself,
        await self._follow(way)  # and what that has sent on the same way: texts that are handed in
        await app.catch_up()
        await self._until_open()
        refused = before == (app.screen, app.focused, app.state)
        unasked = getattr(app.screen, "UNASKED", False) and app.screen is not before[0]
        if (self._expected and refused) or unasked:
            self._held.clear()

    async def _follow(self, way: Screen[Any] | Widget) -> None:
        """Until what has been sent to a widget so far is done, there and all the way up."""
        follower = Follower()
        there = way.post_message(follower)
        for _ in range(MOST):
            if not there or follower.arrived.is_set():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(follower.arrived.wait(), LOST)
            there = way.is_attached and way.is_running

    async def _until_open(self) -> None:
        """Until what opens is there and has the focus, cannot be opened, or is called off."""
        for _ in range(MOST):
            opening = self._opening()
            if opening and self._called_off(opening):
                continue
            if not opening and self._takes_keys():
                return
            await asyncio.sleep(TURN)
        self._openers.clear()
        if self._held:
            self._held.clear()
            self._app.warn(LATE)

    def _opening(self) -> list[Worker[Any]]:
        """Works at which nothing is asked yet."""
        self._openers = {one: at for one, at in self._openers.items() if not one.is_finished}
        return [one for one, at in self._openers.items() if at is self._app.screen]

    def _called_off(self, opening: list[Worker[Any]]) -> bool:
        """End them where such a key waits; the keys before it were for what they would open."""
        ends = [one for one in self._held if getattr(one, "key", "") in CALLS_OFF]
        if not ends:
            return False
        while (held := self._held.popleft()) is not ends[0]:
            pass
        if getattr(held, "key", "") != "escape":
            self._held.appendleft(held)
        for worker in opening:
            worker.cancel()
            self.release(worker)
        self._expected = False
        self._app.say("called off")
        return True

    def _takes_keys(self) -> bool:
        """Whether the screen is there, and its focus where it begins."""
        screen = self._app.screen
        ready = getattr(screen, "ready", None)
        if ready is not None:
            return bool(ready.is_set())
        return not screen.is_modal or screen.focused is not None


def _entered(event: Typed) -> Typed:
    feed = isinstance(event, events.Key) and event.key == "ctrl+j"
    return events.Key("enter", "\r") if feed else event
