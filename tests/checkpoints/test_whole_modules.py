"""torch.save(model) and training scripts' objects: read as data, whatever lies beside the weights.

The classes are of a module that is gone when the file is read, so nothing can import it.
"""

import datetime
import functools
import logging
import pickle
import sys
from argparse import Namespace
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks._pickles import Call, Global, Numbers, pickled
from latty.checkpoints import inspect, open_checkpoint
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.values import Record
from latty.models.opening import build, convert

SOURCE = """
import enum
import math
import torch
from torch import nn
from torch.nn import functional as F

class generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 8)
        self.act = nn.functional.leaky_relu
        self.blocks = nn.ModuleList([nn.utils.spectral_norm(nn.Linear(8, 8)), nn.BatchNorm1d(8)])
        self.register_buffer("kept", torch.arange(3.0))
        self.register_buffer("hidden", torch.arange(3.0), persistent=False)
        self.owner = [self]

class functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 64)
        self.acts = [torch.tanh, torch.sigmoid, F.relu, F.softplus, math.tanh]
        self.method, self.inner = torch.Tensor.tanh, self.fc.forward
        self.table = {"up": F.interpolate, "sum": torch.einsum, "init": nn.init.normal_}
        self.losses = [0.5] * 150_000

class Mode(enum.Enum):
    ON = 1

class Table(dict):
    pass

class Trainer:
    def __init__(self, net):
        self.net, self.mode, self.around = net, Mode.ON, self

class Slots:
    __slots__ = ("x", "y")
    def __init__(self):
        self.x = 1
"""


@pytest.fixture
def theirs() -> Iterator[ModuleType]:
    """A module of the file's author; it can be imported until the test reads."""
    module = ModuleType("their_project")
    module.__file__ = "their_project.py"
    sys.modules["their_project"] = module
    exec(SOURCE, module.__dict__)
    yield module
    sys.modules.pop("their_project", None)


def written(path: Path, value: Any, way: str = "zip") -> Path:
    """The value as a file, and the author's module gone."""
    if way == "pickle":
        path.write_bytes(pickle.dumps(value, 4))
    else:
        torch.save(value, path, _use_new_zipfile_serialization=way == "zip")
    sys.modules.pop("their_project", None)
    return path


def same(found: dict[str, Any], wanted: dict[str, torch.Tensor]) -> None:
    assert list(found) == list(wanted)
    assert all(np.array_equal(found[name], tensor.numpy()) for name, tensor in wanted.items())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", ["zip", "legacy", "pickle"])
def test_a_whole_module_is_its_state_dict(tmp_path: Path, theirs: ModuleType, way: str) -> None:
    net = theirs.generator()
    wanted = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    checkpoint = open_checkpoint(written(tmp_path / "net.pth", net, way))
    assert "hidden" not in wanted and "blocks.0.weight_orig" in wanted
    same(checkpoint.weights(), wanted)
    assert isinstance(checkpoint.tree, Record)
    assert checkpoint.tree.child("blocks.1").attributes["eps"] == 1e-5
    told = inspect(tmp_path / "net.pth")
    assert told["refused"] is None and told["forbidden"] == []
    assert told["modules"]["blocks.1"] == "torch.nn.modules.batchnorm.BatchNorm1d"


def beside(theirs: ModuleType, layer: nn.Module) -> dict[str, Any]:
    """Everything that training scripts were seen to save beside their weights."""
    optimiser = torch.optim.Adam(layer.parameters())
    layer(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    counts = defaultdict(list)
    counts["loss"].append(np.float32(0.5))
    return {
        "D": nn.Sequential(nn.Conv2d(3, 4, 3), nn.LeakyReLU(0.2, inplace=True)),
        "optimizer": optimiser,
        "scheduler": torch.optim.lr_scheduler.StepLR(optimiser, 1),
        "losses": counts,
        "counter": Counter({"a": 1}),
        "queue": deque([1, 2], 3),
        "random": np.random.RandomState(3),
        "generator": np.random.default_rng(3),
        "args": Namespace(path=Path("a/b"), mode=theirs.Mode.ON, net=layer, act=nn.GELU, size=64),
        "opts": SimpleNamespace(lr=0.1),
        "when": datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
        "norm": functools.partial(nn.LayerNorm, eps=1e-6),
        "table": theirs.Table(a=1),
        "slots": theirs.Slots(),
        "sizes": {(64, 64): torch.Size([1]), theirs.Mode: frozenset([1])},
        "log": logging.getLogger("training"),
        "type": torch.float8_e4m3fn,
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", ["zip", "legacy"])
def test_what_lies_beside_the_weights_is_no_reason_to_refuse(
    tmp_path: Path, theirs: ModuleType, way: str
) -> None:
    layer = nn.Linear(3, 2)
    wanted = {n: t.detach().clone() for n, t in layer.state_dict().items()}
    others = beside(theirs, nn.Linear(3, 2))
    path = written(tmp_path / "train.pth", {"g_ema": layer.state_dict(), **others}, way)
    checkpoint = open_checkpoint(path)
    same(checkpoint.tensors(checkpoint.tree["g_ema"]), wanted)
    assert checkpoint.tree["args"]["size"] == 64 and checkpoint.tree["opts"] == {"lr": 0.1}
    assert checkpoint.tree["table"].entries == {"a": 1}
    assert checkpoint.tree["slots"].state == {"x": 1}
    assert inspect(path)["refused"] is None


@pytest.mark.filterwarnings("ignore")
def test_objects_that_refer_to_each_other_in_circles_end(
    tmp_path: Path, theirs: ModuleType
) -> None:
    trainer = theirs.Trainer(theirs.generator())
    wanted = {f"net.{name}": t.clone() for name, t in trainer.net.state_dict().items()}
    same(open_checkpoint(written(tmp_path / "t.pt", trainer)).weights(), wanted)


SPEC = """
latent = { size = 6 }
image = { channels = 1, size = 8 }
layers = [
  { kind = "linear", tensors = "0" },
  { kind = "tanh" },
  { kind = "reshape", shape = [1, 8, 8] },
]
"""


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_functions_that_a_module_keeps_are_names(
    tmp_path: Path, theirs: ModuleType, protocol: int
) -> None:
    net, path, spec = theirs.functional(), tmp_path / "net.pth", tmp_path / "net.toml"
    torch.save(net, path, pickle_protocol=protocol)
    sys.modules.pop("their_project")
    spec.write_text(SPEC.replace('tensors = "0"', 'tensors = "fc"'))
    model = build(convert(path, spec), path, "net", torch.device("cpu"))
    z = model.sample([0, 1])
    with torch.inference_mode():
        wanted = torch.tanh(net.fc(z)).reshape(2, 1, 8, 8)
        assert torch.equal(model.synthesis(model.mapping(z)), wanted)
    kept = open_checkpoint(path).tree.attributes
    assert kept["acts"][0].path == "torch.tanh" and kept["acts"][2].name == "relu"
    assert "losses" not in kept and inspect(path)["refused"] is None


WEIGHTS = {"w": Numbers((2,), bytes(8))}
FUNCTIONS = Global("torch._C", "_VariableFunctionsClass")
GETATTR = Global("builtins", "getattr")
THING = Call(Global("their", "Thing"), new=True)


@pytest.mark.parametrize(
    "call",
    {
        "called": Call(Call(GETATTR, (FUNCTIONS, "tanh")), ("touch RAN",)),
        "method": Call(Call(GETATTR, (THING, "Run")), ("touch RAN",)),
        "partial": Call(Call(Global("functools", "partial"), (THING,)), ("touch RAN",)),
        "relu": Call(Global("torch.nn.functional", "relu"), ("touch RAN",)),
        "math": Call(Global("math", "tanh"), (1,)),
        "class": Call(GETATTR, (Global("their", "Thing"), "run")),
        "of a table": Call(GETATTR, (Call(Global("collections", "OrderedDict")), "run")),
        "dotted": Call(GETATTR, (THING, "run.os")),
        "private": Call(GETATTR, (FUNCTIONS, "__globals__")),
        "three": Call(GETATTR, (FUNCTIONS, "tanh", None)),
        "none": Call(GETATTR),
        "theirs.os": Global("their.os", "path"),
        "sys of theirs": Global("their.tools", "sys"),
        "Popen of theirs": Call(Global("their.green", "Popen"), ("touch RAN",)),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_functions_that_are_called_or_fetched_from_elsewhere_are_refused(
    tmp_path: Path, call: tuple[str, Any]
) -> None:
    file = tmp_path / "w.pkl"
    file.write_bytes(pickled({**WEIGHTS, "x": call[1]}))
    with pytest.raises(Refusal) as caught:
        open_checkpoint(file)
    assert caught.value.code == ("bad-op" if call[0] == "partial" else "forbidden-global")
    assert inspect(file)["refused"]["code"] == caught.value.code


RUN = b"ctheir.tools\nrun\n"
OBJECT = b"ctheir.tools\nThing\n)\x81"
PLANTED = {
    "state": OBJECT + b"}\x8c\x0c__setstate__" + RUN + b"sb",
    "state of slots": OBJECT + b"N}\x8c\x0c__setstate__" + RUN + b"s\x86b",
    "state of a table": b"ccollections\nOrderedDict\n)R}\x8c\x0c__setstate__" + RUN + b"sb",
    "state of a class": b"ctheir.tools\nThing\n}\x8c\x01x" + RUN + b"sb",
    "state twice": OBJECT + b"}b}\x8c\x06append" + RUN + b"sb",
    "append": OBJECT + b"}\x8c\x06append" + RUN + b"sb\x8c\x09touch RANa",
    "extend": OBJECT + b"}\x8c\x06extend" + RUN + b"sb(\x8c\x09touch RANe",
    "add": OBJECT + b"}\x8c\x03add" + RUN + b"sb(\x8c\x09touch RAN\x90",
}


@pytest.mark.parametrize("code", PLANTED)
def test_methods_that_pickle_would_call_are_not_the_files_to_give(
    tmp_path: Path, code: str
) -> None:
    """Of an object that brings its own __setstate__, append, extend or add, other programs call
    it."""
    tensor = pickled(WEIGHTS["w"])[2:-1]
    file = tmp_path / "w.pkl"
    file.write_bytes(b"\x80\x04}(\x8c\x01w" + tensor + b"\x8c\x01x" + PLANTED[code] + b"u.")
    with pytest.raises(Refusal) as caught:
        open_checkpoint(file)
    assert caught.value.code == "bad-op" and code.split()[0] in str(caught.value)


@pytest.mark.parametrize("wrapped", [False, True], ids=["module", "DataParallel"])
def test_a_whole_module_opens_with_a_spec(tmp_path: Path, wrapped: bool) -> None:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(6, 64), nn.Tanh())
    path, spec = tmp_path / "net.pth", tmp_path / "net.toml"
    torch.save(nn.DataParallel(net) if wrapped else net, path)
    spec.write_text(SPEC)
    model = build(convert(path, spec), path, "net", torch.device("cpu"))
    z = model.sample([0, 1])
    with torch.inference_mode():
        found = model.synthesis(model.mapping(z))
        assert torch.equal(found, net(z).reshape(2, 1, 8, 8))


# What runs commands, loads code, or reaches what does, among plain weights.
RUNS = """
os.system posix.system nt.system subprocess.Popen subprocess.check_output builtins.eval
builtins.exec builtins.compile builtins.getattr builtins.setattr builtins.__import__ builtins.open
builtins.map builtins.filter builtins.apply builtins.breakpoint builtins.type builtins.globals
__builtin__.eval __builtin__.apply commands.getoutput importlib.import_module runpy.run_path
operator.attrgetter operator.methodcaller functools.reduce types.FunctionType types.CodeType
code.InteractiveInterpreter pty.spawn pdb.Pdb bdb.Bdb timeit.timeit cProfile.run profile.Profile
webbrowser.open shutil.rmtree socket.create_connection urllib.request.urlopen ctypes.CDLL
pickle.loads _pickle.loads marshal.loads shelve.open zipimport.zipimporter pkgutil.resolve_name
pydoc.pipepager idlelib.pyshell.ModifiedInterpreter lib2to3.pgen2.grammar.Grammar
ensurepip.bootstrap distutils.file_util.write_file doctest.debug_script trace.Trace venv.create
asyncio.run
signal.signal multiprocessing.util.spawnv_passfds threading.Thread
tempfile.NamedTemporaryFile atexit.register
pip.main pip._internal.main setuptools.sandbox.run_setup pkg_resources.EntryPoint numpy.load
numpy.testing._private.utils.runstring numpy.f2py.crackfortran.myeval numpy.DataSource numpy.memmap
torch.load torch.hub.load torch.jit.CompilationUnit torch.jit.load torch.package.PackageImporter
torch.serialization.load torch.utils.collect_env.run torch.fx.GraphModule torch.classes.load_library
torch.ops.load_library torch._inductor.codecache.compile_file torch.utils.cpp_extension.load
joblib.load dill.loads dill._dill._create_function cloudpickle.loads pandas.eval sympy.sympify
requests.get tensorflow.keras.models.load_model yaml.load collections.OrderedDict.fromkeys
torch.nn.Module.__init__ their.project.Outer.run their.project.__loader__ torch.storage.torch
"""


@pytest.mark.parametrize("path", RUNS.split())
@pytest.mark.parametrize("new", [False, True], ids=["called", "made"])
def test_names_that_run_something_are_refused_among_weights_too(
    tmp_path: Path, path: str, new: bool
) -> None:
    module, _, name = path.rpartition(".")
    if module.rpartition(".")[2][:1].isupper():  # a walk along a class's attributes
        module, name = module.rpartition(".")[0], path[len(module.rpartition(".")[0]) + 1 :]
    file = tmp_path / "weights.pkl"
    call = Call(Global(module, name), ("touch RAN",), new=new)
    file.write_bytes(pickled({"w": Numbers((2,), bytes(8)), "x": call}))
    with pytest.raises(Refusal) as caught:
        open_checkpoint(file)
    assert caught.value.code == "forbidden-global" and "asks Python to run" in str(caught.value)
    assert path in str(caught.value) and inspect(file)["forbidden"] == [path]


@pytest.mark.parametrize("function", ["tools.run", "models.load", "__main__.start"])
def test_a_function_of_anyone_is_refused_and_a_class_is_a_record(
    tmp_path: Path, function: str
) -> None:
    module, _, name = function.rpartition(".")
    file = tmp_path / "w.pkl"
    weights = {"w": Numbers((2,), bytes(8))}
    file.write_bytes(pickled({**weights, "x": Call(Global(module, name), (1,))}))
    with pytest.raises(Refusal) as caught:
        open_checkpoint(file)
    assert caught.value.code == "forbidden-global"
    file.write_bytes(pickled({**weights, "x": Call(Global(module, "Thing"), (1,))}))
    assert open_checkpoint(file).tree["x"].class_name == f"{module}.Thing"


def test_objects_without_numbers_are_a_program(tmp_path: Path) -> None:
    for value in (nn.Tanh(), {"net": nn.Tanh()}, [nn.ReLU]):
        torch.save(value, tmp_path / "p.pt")
        with pytest.raises(Refusal, match=r"torch\.save\(model\.state_dict") as caught:
            open_checkpoint(tmp_path / "p.pt")
        assert caught.value.code == "forbidden-global"
        assert inspect(tmp_path / "p.pt")["refused"]["code"] == "forbidden-global"
