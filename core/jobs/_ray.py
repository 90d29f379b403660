"""Shards on a Ray cluster, behind the interface of `concurrent.futures`.

Ray listens on every network interface, and whoever reaches it can run code: its token is asked for
before anything is started or joined, but on a cluster that lives on this machine's loopback alone.
"""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from secrets import token_hex
from typing import Any, ParamSpec, TypeVar

from core.errors import ConfigError, DeviceError, Missing

P = ParamSpec("P")
T = TypeVar("T")

MODE, TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"
TOKEN_FILE = Path("~/.ray/auth_token")
TRIES = 3  # of a shard whose process or machine died
LOOPBACK = ("127.", "localhost", "[::1]", "::1")
PACKAGES = str(Path(__file__).parent.parent.parent)  # where `core` is imported from


class RayPool(Executor):
    """Each shard is a task: on one GPU where the cluster has any, else on one CPU. Processes stay
    warm, so a generator is opened once in each."""

    def __init__(self, address: str = "") -> None:
        _guard(address)
        ray = _imported()
        variables = {key: value for key, value in os.environ.items() if key.startswith("LATTY_")}
        variables["PYTHONPATH"] = os.pathsep.join(
            part for part in (PACKAGES, os.environ.get("PYTHONPATH", "")) if part
        )
        try:
            ray.init(
                address=address or None,
                runtime_env={"env_vars": variables},
                include_dashboard=False if not address else None,
                log_to_driver=False,
                configure_logging=False,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            first = str(error).split("\n")[0]
            raise DeviceError(f"no Ray cluster at {address or 'this machine'}: {first}") from None
        gpus = ray.cluster_resources().get("GPU", 0)
        needs = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        # max_calls=0: a GPU task would otherwise get a new process, and open the model, each time
        self._call = ray.remote(max_calls=0, max_retries=TRIES - 1, **needs)(_call)
        self._ray, self._refs = ray, dict[Future[Any], Any]()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A future of fn(*args, **kwargs) somewhere in the cluster."""
        ref = self._call.remote(fn, args, kwargs)
        future: Future[T] = ref.future()
        self._refs[future] = ref
        future.add_done_callback(lambda done: self._refs.pop(done, None))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; with `cancel_futures` running shards are ended, too."""
        if cancel_futures:
            for ref in list(self._refs.values()):
                self._ray.cancel(ref, force=True)
        elif wait:
            self._ray.wait(list(self._refs.values()), num_returns=len(self._refs))
        self._ray.shutdown()


def _call(fn: Callable[..., T], args: Any, kwargs: Any) -> T:
    return fn(*args, **kwargs)


def _imported() -> Any:
    try:
        import ray
    except ImportError:
        raise Missing("Ray is not installed here", "pip install 'latty[ray]'") from None
    return ray


def _guard(address: str) -> None:
    """Token authentication, unless the cluster is this machine's own. Raises ConfigError."""
    mode = os.environ.setdefault(MODE, "token")
    host = address.removeprefix("ray://").rpartition(":")[0] or address
    if mode == "token" or (address and host.startswith(LOOPBACK)):
        known = [
            TOKEN in os.environ,
            f"{TOKEN}_PATH" in os.environ,
            TOKEN_FILE.expanduser().exists(),
        ]
        if not address and not any(known):  # a cluster of our own gets a token of its own
            os.environ[TOKEN] = token_hex(32)
        return
    raise ConfigError(
        f"{MODE} is '{mode}': Ray would take code from anybody who reaches its ports",
        f"{MODE}=token, and the same token on every machine (ray get-auth-token --generate)",
    )
