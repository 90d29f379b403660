"""A synthesis as a CUDA graph: what Python asked a GPU for once is asked again by one call.

A network of 1024 px is a few hundred kernels; for one picture a GPU takes about as long as Python
takes to ask for them. A graph is of one network, batch, first and last step; what differs between
pictures is copied into it. It is made when the same is asked for the third time, of other numbers,
and used once its first result is that of the plain way to the last bit. N pictures, L layers of
codes, D width.
"""

import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from latty.models import gpu
from latty.models.memory import SPARE, is_short
from latty.models.steps import Steps, StepState

MOST = 8  # graphs of a process: each holds the largest features of its synthesis
PLAIN = 2  # times that something is drawn the plain way before there is a graph of it
COUNTED = 256  # kinds of work that are counted at once

Key = tuple[object, ...]
Work = Callable[[Steps, Any], Any]  # steps and a state -> what is made of them


@runtime_checkable
class Replayable(Protocol):
    """Steps, and the states between them, whose tensors can be exchanged for others."""

    def varying(self) -> Sequence[Tensor] | None:
        """All tensors that it reads and that are not the network's own: codes (N, L, D), features
        (N, C, H, W); None where it reads what cannot be exchanged."""
        ...

    def likewise(self, tensors: Sequence[Tensor]) -> Any:
        """The same with others in their place: codes (N, L, D), features (N, C, H, W)."""
        ...

    def kind(self) -> Key:
        """All else that what is computed depends on."""
        ...


class Recording(Protocol):
    """Work that can be done again on what its tensors hold by then."""

    def replay(self) -> None: ...


class CudaRecording:
    """The kernels that `work` asks for, once it has run on another stream, where it prepares."""

    pools: ClassVar[dict[torch.device, Any]] = {}  # memory that the graphs of a device share
    streams: ClassVar[dict[torch.device, Any]] = {}  # where they are recorded

    def __init__(self, work: Callable[[], object], device: torch.device) -> None:
        """Raises what `work` raises, RuntimeError where it cannot be captured."""
        with torch.cuda.device(device):  # a graph is recorded on the current one
            if device not in self.pools:
                self.pools[device] = torch.cuda.graph_pool_handle()
                self.streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            before, aside = torch.cuda.current_stream(device), self.streams[device]
            aside.wait_stream(before)
            self.graph = torch.cuda.CUDAGraph()
            # torch stays on the stream where a capture fails: the outer block leaves it
            with torch.cuda.stream(aside):
                work()
                # writers of films have threads of their own, which may ask the driver for memory
                with torch.cuda.graph(
                    self.graph, self.pools[device], aside, capture_error_mode="thread_local"
                ):
                    work()
            before.wait_stream(aside)

    def replay(self) -> None:
        """All of them again."""
        self.graph.replay()


class Graph:
    """One piece of work on tensors of its own."""

    def __init__(
        self, work: Work, steps: Steps, state: StepState, record: Callable[..., Recording]
    ) -> None:
        """Raises what the work and its recording raise."""
        inputs = _inputs(steps, state)
        assert inputs is not None
        with torch.inference_mode(False), torch.no_grad():
            self.inputs = [torch.empty_like(one) for one in inputs]
            own = _likewise(steps, state, self.inputs)
            self.made: Any = None
            for mine, one in zip(self.inputs, inputs, strict=True):
                torch.mul(one, 0.5, out=mine)  # no picture that is asked for: a replay draws those

            def again() -> None:
                self.made = work(*own)

            self.recording = record(again, inputs[0].device)

    def __call__(self, steps: Steps, state: StepState) -> Any:
        """What the work makes of other steps of the same kind, in memory of its own."""
        inputs = _inputs(steps, state)
        assert inputs is not None
        with torch.inference_mode(False), torch.no_grad():
            for mine, one in zip(self.inputs, inputs, strict=True):
                mine.copy_(one)
            self.recording.replay()
            if isinstance(self.made, Tensor):
                return self.made.clone()
            return self.made.likewise([one.clone() for one in self.made.tensors])


class Graphs:
    """Those that were asked for last. One is made again where the weights lie elsewhere than they
    did: another precision is another network."""

    def __init__(self, record: Callable[..., Recording] = CudaRecording) -> None:
        self._record = record
        self._made: OrderedDict[Key, tuple[weakref.ref[Any], Graph]] = OrderedDict()
        self._asked: Counter[Key] = Counter()
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._made)

    def run(self, steps: Steps, state: StepState, stop: int) -> Any:
        """steps.run(state, stop)."""
        return self._done(steps, state, stop, lambda steps, state: steps.run(state, stop))

    def image(self, steps: Steps, state: StepState) -> Tensor:
        """steps.image(state): images (N, C, H, W) float32."""
        drawn = self._done(steps, state, "image", lambda steps, state: steps.image(state))
        return cast(Tensor, drawn)

    def forget(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._made.clear()

    def _done(self, steps: Steps, state: StepState, stop: object, work: Work) -> Any:
        if torch.is_grad_enabled() or not fits(steps, state) or not gpu.allows(gpu.GRAPHS):
            return work(steps, state)
        network: Any = steps.network  # type: ignore[attr-defined]
        key = (id(network), stop, *_kind(steps, state), _place(network))
        with self._lock:
            known = self._made.get(key)
            if known is not None and known[0]() is network:
                self._made.move_to_end(key)
                return known[1](steps, state)
            self._made.pop(key, None)
            if len(self._asked) >= COUNTED:
                self._asked.clear()
            self._asked[key] += 1
            plain = work(steps, state)
            if self._asked[key] > PLAIN:
                self._make(key, network, (work, steps, state), plain)
            return plain

    def _make(self, key: Key, network: Any, asked: tuple[Any, ...], plain: Any) -> None:
        """Keep a graph that makes of the same steps what was made the plain way."""
        try:
            work, steps, state = asked
            graph = Graph(work, steps, state, self._record)
            made = graph(steps, state)
            pairs = zip(_tensors(made), _tensors(plain), strict=True)
            same = all(torch.allclose(*pair, rtol=0, atol=0, equal_nan=True) for pair in pairs)
            why: object = "a picture was not the same to the last bit"
        except Exception as error:
            if is_short(error):
                self.forget()
            same, why = False, f"{type(error).__name__}: {error}"
        if not same:
            gpu.do_without(gpu.GRAPHS, why)
            self.forget()
            return
        self._made[key] = weakref.ref(network), graph
        alive = [(key, one) for key, one in self._made.items() if one[0]() is not None]
        self._made = OrderedDict(alive[-MOST:])


def fits(steps: object, state: object) -> bool:
    """Whether a graph of them could be made: on a CUDA device, where nothing but their tensors
    differs between pictures, and no activation is changed on the way."""
    if not isinstance(steps, Replayable) or not isinstance(state, Replayable):
        return False
    inputs = _inputs(steps, state)
    return (
        inputs is not None
        and not cast(Steps, steps).places
        and hasattr(steps, "network")
        and on_gpu(inputs)
    )


def on_gpu(tensors: Sequence[Tensor]) -> bool:
    """Whether work on codes (N, L, D) and features (N, C, H, W) is asked for by kernels."""
    return all(one.is_cuda for one in tensors) and torch.cuda.is_available()


def _inputs(steps: Any, state: Any) -> list[Tensor] | None:
    of_steps, of_state = steps.varying(), state.varying()
    return None if of_steps is None or of_state is None else [*of_steps, *of_state]


def _likewise(steps: Any, state: Any, tensors: Sequence[Tensor]) -> tuple[Any, Any]:
    count = len(steps.varying())
    return steps.likewise(tensors[:count]), state.likewise(tensors[count:])


def _tensors(made: Any) -> Sequence[Tensor]:
    return [made] if isinstance(made, Tensor) else cast(Sequence[Tensor], made.tensors)


def _kind(steps: Any, state: Any) -> Key:
    inputs = _inputs(steps, state) or []
    shapes = tuple((one.shape, one.stride(), one.dtype, one.device) for one in inputs)
    return (*steps.kind(), *state.kind(), shapes)


def _place(network: object) -> Key:
    """Where the weights lie, of a network whose modules may be given others."""
    if not isinstance(network, nn.Module):
        return ()
    return tuple(one.data_ptr() for one in (*network.parameters(), *network.buffers()))


GRAPHS = Graphs()
SPARE.append(GRAPHS.forget)
