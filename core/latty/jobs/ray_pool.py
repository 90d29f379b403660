"""Shards on a Ray cluster, behind the interface of `concurrent.futures`.

Ray listens on every network interface, whatever address it is told, and whoever reaches it can run
code: without its token nothing is started and nothing is joined.
"""

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, ParamSpec, TypeVar

from latty import process
from latty.errors import ConfigError, DeviceError, LattyError, Missing
from latty.jobs.events import JOB
from latty.jobs.task import THREADS, TRIES, portable

P = ParamSpec("P")
T = TypeVar("T")

MODE, TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"
TOKEN_FILE = Path("~/.ray/auth_token")
ADDRESS = "RAY_ADDRESS"
LOCAL = "local"  # a cluster of our own, that ends with us
FOLDER = "RAY_TMPDIR"


class RayPool(Executor):
    """Each shard is a task, on one GPU or on one CPU; processes stay warm.

    address  of a cluster; "" = RAY_ADDRESS, else one on this machine, started and ended here
    slots    as of a LocalPool: they say whether shards want a GPU, and how many processes a
             cluster of our own has
    """

    def __init__(self, address: str, slots: Sequence[str]) -> None:
        address = address or os.environ.get(ADDRESS, "") or LOCAL
        guard(address)
        ray = _imported()
        on_gpu = any(slot != "cpu" for slot in slots)
        own = {"include_dashboard": False, "num_cpus": max(1, len(slots))}
        self._folder = _folder_of_our_own() if address == LOCAL else None
        try:
            ray.init(
                address=address,
                runtime_env={"env_vars": _variables()},
                log_to_driver=False,
                logging_level="error",
                **({**own, "_temp_dir": f"{self._folder}/ray"} if self._folder else {}),
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            first = str(error).strip().split("\n")[0]
            hint = "ray status; the same token on every machine: ray get-auth-token"
            self._remove_folder()
            raise DeviceError(f"no Ray cluster at {address}: {first}", hint) from None
        self.at_once = int(ray.cluster_resources().get("GPU" if on_gpu else "CPU", 0))
        if on_gpu and not self.at_once:
            ray.shutdown()
            self._remove_folder()
            raise DeviceError(f"the Ray cluster at {address} has no GPU", "take --device cpu")
        needs = {"num_gpus": 1} if on_gpu else {"num_cpus": 1}
        # max_calls=0: a GPU task would otherwise get a new process, and open the model, each time
        self._call = ray.remote(max_calls=0, max_retries=TRIES - 1, **needs)(portable)
        self._ray, self._refs = ray, dict[Future[Any], Any]()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A future of fn(*args, **kwargs) somewhere in the cluster; cancelling it ends the process
        that is at it."""
        ref = self._call.remote(fn, args, kwargs)
        future: Future[T] = Future()
        self._refs[future] = ref
        future.add_done_callback(self._forget)
        ref.future().add_done_callback(lambda inner: _hand_over(inner, future))
        return future

    def _forget(self, future: Future[Any]) -> None:
        ref = self._refs.pop(future, None)
        if future.cancelled() and ref is not None and self._ray.is_initialized():
            self._ray.cancel(ref, force=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, after the shards that were handed in; with `cancel_futures` those are
        called off."""
        pending = dict(self._refs)
        if cancel_futures:
            for future in pending:
                future.cancel()
        elif wait and pending:
            self._ray.wait(list(pending.values()), num_returns=len(pending))
        self._ray.shutdown()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder:
            rmtree(self._folder, ignore_errors=True)

    def stop(self) -> None:
        """End all that it is at: what runs on a cluster does not hear of it otherwise."""
        for future in list(self._refs):
            future.cancel()

    def kill(self) -> None:
        """End what it is at and leave the cluster."""
        self.shutdown(cancel_futures=True)


def _folder_of_our_own() -> str:
    """Around the folder where Ray keeps sockets, which need a short path, and logs: that one Ray
    opens to every user of the machine, as it does with /tmp/ray. Raises OSError."""
    short = "/tmp" if Path("/tmp").is_dir() else None
    return mkdtemp(prefix="latty-", dir=os.environ.get(FOLDER) or short)


def _hand_over(inner: Future[T], future: Future[T]) -> None:
    """What Ray found becomes the result, in the words of this package."""
    if not future.set_running_or_notify_cancel():
        return
    error = inner.exception()
    if error is None:
        future.set_result(inner.result())
    else:
        future.set_exception(shard_error(error))


def shard_error(error: BaseException) -> BaseException:
    """The error that a shard raised, out of Ray's wrapper; a LattyError for one of Ray's own."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, BaseException):
        return cause
    name = type(error).__name__
    if name == "TaskCancelledError":
        return CancelledError()
    if name == "OutOfMemoryError":
        hint = "fewer --num-cpus for ray start, or a machine with more"
        return DeviceError("a machine of the cluster was out of memory", hint)
    first = str(error).strip().split("\n")[0]
    words = f"a shard was lost {TRIES} times on the Ray cluster: {name}: {first}"
    return LattyError(words, "the same command goes on with the rest")


def _variables() -> dict[str, str]:
    """What the processes of the cluster see of our environment."""
    kept = {key: value for key, value in os.environ.items() if key.startswith("LATTY_")}
    kept.pop(JOB, None)  # they have no part in the job's own log
    kept[THREADS] = os.environ.get(THREADS, "1")
    kept |= {name: os.environ.get(name, value) for name, value in process.STEADY.items()}
    path = process.environment(os.environ).get("PYTHONPATH")
    return {**kept, "PYTHONPATH": path} if path else kept


def _imported() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")  # else a wrong token is 60 warnings
    try:
        import ray
    except ImportError:
        raise Missing("Ray is not installed here", "pip install 'latty[ray]'") from None
    # Ray tells of each death on stdout, which is for results; we say what comes of it.
    inner = sys.modules.get("ray._private.worker")
    if hasattr(inner, "print_to_stdstream"):
        setattr(inner, "print_to_stdstream", _nothing)  # noqa: B010  private: it may be gone
    return ray


def _nothing(*args: object, **more: object) -> None: ...


def guard(address: str) -> None:
    """Token authentication, always: a cluster of our own gets a token of its own where there is
    none. Raises ConfigError."""
    mode = os.environ.setdefault(MODE, "token")
    if mode.lower() != "token":
        raise ConfigError(
            f"{MODE} is '{mode}': Ray would take code from anybody who reaches its ports",
            f"{MODE}=token, and the same token on every machine (ray get-auth-token --generate)",
        )
    if any(name in os.environ for name in (TOKEN, f"{TOKEN}_PATH")):
        return
    if TOKEN_FILE.expanduser().exists():
        return
    if address != LOCAL:
        raise ConfigError(
            f"no token for the Ray cluster at {address}: latty joins none without one",
            f"ray get-auth-token --generate, the same {TOKEN_FILE} on every machine",
        )
    os.environ[TOKEN] = token_hex(32)
