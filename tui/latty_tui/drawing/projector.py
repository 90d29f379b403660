"""Plays the film of the present state in the place of the picture, and stands at its frames.

Pictures are drawn as they are needed, small, and kept: the second round is as smooth as the film.
A picture that would be late is drawn all the same in the first round; later ones are left out.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, sqrt
from typing import Any

from textual.worker import Worker

from latty.errors import LattyError
from latty.presets import Output, Preset
from latty.presets.formats import is_film
from latty.presets.values import Loop
from latty.scene import Scene, named
from latty_tui.desk import Desk
from latty_tui.drawing.encoding import array, shrunk
from latty_tui.drawing.engine import Drawn, EngineDied, EngineError
from latty_tui.drawing.picture import RawPicture

LARGEST = 256  # px of the longer side
KEPT = 2**28  # bytes of pictures
SETTLE = 0.25  # seconds at a frame until it is drawn in its whole size
HOLD = 0.6  # seconds that the last picture of a film which ends is seen


@dataclass(frozen=True, slots=True)
class Playback:
    """A preset as it is played: its moments, their order, how fast, whether it ends, and which
    output it is seen as."""

    preset: Preset
    times: Sequence[float]
    order: Sequence[int]
    fps: float
    ends: bool
    output: Output

    def scenes(self, frame: int) -> list[Scene]:
        """The pictures of one frame: several where the preset has a list of seeds, or panels."""
        t = self.times[frame]
        scene = self.preset.at(t)
        if self.preset.panels:
            return [replace(part.at(t), size=scene.size) for part in self.preset.parts]
        return [replace(scene, seed=seed) for seed in self.preset.seeds] or [scene]

    @property
    def columns(self) -> int:
        """How many of them are in a row."""
        if count := len(self.preset.panels):
            return min(self.output.columns or count, count)
        return ceil(sqrt(len(self.preset.seeds) or 1))

    @property
    def composes(self) -> bool:
        """Whether a frame is more than its pictures: panels, texts, a frame of its own size."""
        framed = self.output.width is not None or self.output.height is not None
        return bool(self.preset.panels or self.preset.texts or framed)


def playback_of(preset: Preset, fps: float, loop: Loop) -> Playback:
    """What is played of a preset."""
    from latty.render.shots import play_order

    if loop == "seamless":
        output = Output("", fps=fps, loop=loop)
        panels = (replace(one, preset=one.preset.shown(output)) for one in preset.panels)
        preset = replace(preset.shown(output), panels=tuple(panels))
    times, outputs = preset.times(), preset.outputs
    films = [one for one in outputs if is_film(one.path)]
    sheets = [one for one in outputs if one.is_table]
    seen = [*films, *sheets, Output("film.gif")][0]
    # As many frames as are played; what a seamless loop moves goes there and back already.
    seen = replace(seen, fps=outputs[0].fps if outputs else fps, loop="loop")
    return Playback(preset, times, play_order(len(times), loop), fps, loop == "once", seen)


class Projector:
    """One film at a time; `moved` is called whenever it shows another frame, starts or ends."""

    def __init__(self, desk: Desk, moved: Callable[[], object]) -> None:
        self.desk, self._moved = desk, moved
        self.playback: Playback | None = None
        self.frame = 0
        self.stands = False  # at a frame, instead of playing
        self.shown = 0  # pictures, in all
        self._kept: dict[int, RawPicture] = {}
        self._absent: set[int] = set()  # panels of which that was told
        self._of: Preset | None = None
        self._mine: Drawn | None = None
        self._worker: Worker[None] | None = None

    @property
    def playing(self) -> bool:
        return self.playback is not None and not self.stands

    def start(self, playback: Playback, frame: int = 0) -> None:
        """Play it from a frame on."""
        self.stop(redraw=False)
        self._begin(playback, frame, stands=False)
        self._show_with(partial(self._rounds, playback, frame))

    def look(self, playback: Playback, frame: int) -> None:
        """Stand at a frame; what is still being drawn of another one is dropped."""
        if self._worker is not None:
            self._worker.cancel()
        self._begin(playback, frame, stands=True)
        self._look_at(playback.times[frame])
        self._show_with(partial(self._stand, playback, frame))

    def _begin(self, playback: Playback, frame: int, stands: bool) -> None:
        if self._of != playback.preset:
            self._kept, self._absent, self._of = {}, set(), playback.preset
        self.playback, self.frame, self.stands = playback, frame, stands
        self.desk.drop_drawing()  # a late answer would end it

    def _show_with(self, showing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._worker = self.desk.background(self._play(showing), "film")
        self._moved()

    def stop(self, redraw: bool = True) -> bool:
        """Back to the picture of the present state; False where nothing was played or looked at."""
        if self.playback is None:
            return False
        self.playback, worker, self._worker = None, self._worker, None
        if worker is not None:
            worker.cancel()
        self._look_at(None)
        if redraw:
            self.desk.draw_soon()
        self._moved()
        return True

    def heard(self, drawn: object) -> None:
        """A picture has come: it ends the film where it is not the film's."""
        if drawn is not self._mine:
            self.stop(redraw=False)

    async def _play(self, showing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await showing()
        except EngineDied:
            self.stop(redraw=False)  # the preview draws again when there is another engine
        except (LattyError, OSError) as error:
            self.stop(redraw=False)
            self.desk.picture.words(str(error))

    async def _stand(self, playback: Playback, frame: int) -> None:
        """One frame: small and at once, then as large as any picture."""
        if (picture := await self._picture(playback, frame)) is None:
            return
        self._show(playback, frame, picture)
        await asyncio.sleep(SETTLE)
        columns = playback.columns
        if (size := self.desk.picture.wanted(columns)) > LARGEST // columns:
            drawn = await self._drawn(playback, frame, size)
            if drawn is not None:
                self._show(playback, frame, drawn, quick=False)

    async def _rounds(self, playback: Playback, frame: int) -> None:
        step = playback.order.index(frame)
        begun = time.monotonic() - step / playback.fps
        while self.playback is playback:
            if self.desk.dialogs:  # below a dialog nobody looks
                await asyncio.sleep(0.1)
                begun = time.monotonic() - step / playback.fps
                continue
            picture = await self._picture(playback, playback.order[step % len(playback.order)])
            if picture is None:
                self.stop(redraw=False)
                return
            self._show(playback, playback.order[step % len(playback.order)], picture)
            step += 1
            if playback.ends and step >= len(playback.order):
                await asyncio.sleep(HOLD)
                self.stop()
                return
            step, begun = await self._pace(playback, step, begun)

    async def _pace(self, playback: Playback, step: int, begun: float) -> tuple[int, float]:
        """Wait until it is time for a step. One that is late leaves some out where all pictures
        are there, and else makes the film slower."""
        late = time.monotonic() - begun - step / playback.fps
        if late <= 0:
            await asyncio.sleep(-late)
            return step, begun
        await asyncio.sleep(0)
        missed = int(late * playback.fps)
        if missed and len(self._kept) == len(playback.times) and not playback.ends:
            return step + missed, begun
        return step, begun + late

    async def _picture(self, playback: Playback, frame: int) -> RawPicture | None:
        """A frame; None where something newer was asked for."""
        if frame in self._kept:
            return self._kept[frame]
        columns = playback.columns
        size = min(LARGEST // columns, self.desk.picture.wanted(columns))
        if (drawn := await self._drawn(playback, frame, max(8, size))) is None:
            return None
        picture: RawPicture = drawn
        if max(drawn.width, drawn.height) > LARGEST:
            picture = await asyncio.to_thread(shrunk, array(drawn), LARGEST)
        if sum(len(one.pixels) for one in self._kept.values()) < KEPT:
            self._kept[frame] = picture
        return picture

    async def _drawn(self, playback: Playback, frame: int, size: int) -> RawPicture | None:
        """A frame, its pictures `size` px high; None where something newer was asked for."""
        scenes = await asyncio.to_thread(playback.scenes, frame)  # a sound is decoded once
        if not playback.composes:
            return await self._asked(scenes, playback.columns, size)
        found = list[Drawn | None]()
        for number, scene in enumerate(scenes):
            try:
                drawn = await self._asked([scene], 1, size, f"film {number}")
            except EngineDied:
                raise
            except EngineError as error:  # a panel may be of a model that is not here
                if scene.model == self.desk.opened:
                    raise
                self._tell_absent(number, f"not seen: {error}")
                found.append(None)
            else:
                if drawn is None:
                    return None
                for ref, why in drawn.broken:
                    self._tell_absent(number, f"drawn without {named(ref)}: {why}")
                found.append(drawn)
        if not any(found):
            return None
        from latty_tui.drawing.composing import composed  # numpy, which the first paint is without

        return await asyncio.to_thread(
            composed, playback.preset, playback.output, frame, found, size
        )

    def _tell_absent(self, number: int, words: str) -> None:
        """That a panel, or a part of it, cannot be drawn, once for a film."""
        if number not in self._absent:
            self._absent.add(number)
            self.desk.say(f"panel {number + 1} is {words}", "warning")

    async def _asked(
        self, scenes: list[Scene], columns: int, size: int, channel: str = "picture"
    ) -> Drawn | None:
        """Some pictures in one; None where something newer was asked for."""
        drawn = await self.desk.engine.draw(scenes, channel, columns, size)
        if drawn is not None:
            self._mine = drawn
            self.desk.tell(lambda panel: panel.on_drawn(drawn))
        return drawn

    def _show(
        self, playback: Playback, frame: int, picture: RawPicture, quick: bool = True
    ) -> None:
        if self.playback is not playback:
            return
        self.frame, self.shown = frame, self.shown + 1
        self._look_at(playback.times[frame])
        self.desk.picture.words("")
        self.desk.picture.pixels.show(picture, quick)
        self._moved()

    def _look_at(self, moment: float | None) -> None:
        self.desk.view = replace(self.desk.view, moment=moment)
