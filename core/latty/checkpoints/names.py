"""Which names outside the table a file may hold, as records that nothing is done with.

Nothing that a file names is imported or called, so this decides about words, not about safety: a
file is refused for what it would run in other programs. Honest files name classes: of torch, of
their author's own modules, of libraries for networks. An attack names a function, or a part of
Python that loads, starts or evaluates.
"""

import re
import sys

# Plain values of Python's own library, which training scripts keep beside their weights.
PLAIN = """
collections.deque copy_reg._reconstructor copyreg._reconstructor
datetime.date datetime.datetime datetime.time datetime.timedelta datetime.timezone
decimal.Decimal fractions.Fraction functools.partial logging.Logger logging.getLogger
numpy.random.__RandomState_ctor numpy.random._pickle.__randomstate_ctor
numpy.random._pickle.__generator_ctor numpy.random._pickle.__bit_generator_ctor
numpy.random.bit_generator.__pyx_unpickle_SeedSequence
pathlib.Path pathlib.PosixPath pathlib.WindowsPath pathlib.PurePath pathlib.PurePosixPath
pathlib.PureWindowsPath pathlib._local.PosixPath pathlib._local.WindowsPath
random.Random typing.Any typing.Dict typing.List typing.Optional typing.Tuple typing.Union
uuid.UUID
"""
BUILTIN = "bool bytes complex dict float frozenset int list object slice str tuple"
VALUES = {
    *PLAIN.split(),
    *(f"builtins.{name}" for name in BUILTIN.split()),
    *(f"__builtin__.{name}" for name in BUILTIN.split()),
}

# Modules that are gone from Python, or of Python 2: other programs may still have them.
OLD = """
__builtin__ cPickle copy_reg asynchat asyncore cgi cgitb commands crypt distutils exceptions httplib
imp lib2to3 nntplib pipes popen2 smtpd telnetlib thread urllib2 xmlrpclib
"""
# Libraries whose business is to load, start or evaluate what they are given.
RUNNERS = """
Cython IPython _distutils_hack _pytest aiohttp ansible anyio botocore boto3 celery cffi cloudpickle
cloudpickle_fork cppimport cupy dask delegator dill docker eventlet execjs execnet fabric flask
fsspec gevent git httpx huggingface_hub invoke ipykernel jinja2 joblib js2py jsonpickle keras
llvmlite luigi mako multiprocess numba numexpr onnxruntime papermill paramiko pandas pathos pexpect
pip pkg_resources playwright plumbum psutil pty py4j pycuda pyopencl pyspark pytest pyximport ray
requests rpy2 rpyc salt sarge selenium setuptools sh sympy tensorflow tornado trio triton tvm
twisted urllib3 uvloop websocket websockets wheel yaml zmq
"""
PURE = {"__main__", "cmath", "math"}  # modules that do no more than their author's own, or compute
REFUSED = frozenset(sys.stdlib_module_names) - PURE | {*OLD.split(), *RUNNERS.split()}
# Whoever's module they lie in: one of Python's that it imports is a name in it, too.
INSIDE = frozenset(
    (
        *("os", "posix", "nt", "sys", "subprocess", "popen", "builtins", "__builtin__"),
        *("importlib", "ctypes", "pickle", "marshal", "runpy", "pty"),
    )
)
# Of the libraries that every reader of such files has, what is no more than a layer or a value.
LIBRARIES = {
    "torch": r"torch\.(nn|optim|distributions|cuda\.amp|amp|utils\.data|functional)\..+"
    r"|torch\._C\._(nn|special|linalg|fft)\..+|torch\._C\.(_VariableFunctions(Class)?|_?TensorBase)"
    r"|torch\.(Tensor|Generator|QUInt[0-9x]+Storage|(sparse_|per_)[a-z_]+|strided|[a-z_]+_format|channels_last\w*)"
    r"|torch\.(q?u?int|b?float|complex|bits)[0-9][0-9a-z_]*",
    "numpy": r"numpy\.(u?int|float|complex|bool|str|bytes)[0-9]*_?|numpy\.random\.(\w+\.)?[A-Z]\w+",
}
# Whose attributes are nothing but functions of tensors: torch.tanh is one of the first.
FUNCTIONS = {
    *("torch._C._VariableFunctions", "torch._C._VariableFunctionsClass"),
    *("torch._C.TensorBase", "torch._C._TensorBase", "torch.Tensor"),
}
WORD = re.compile(r"[^\W\d]\w*(\.\w+)*")


def is_harmless(module: str, name: str) -> bool:
    """Whether `module.name` may be named by a file that is read."""
    path, top = f"{module}.{name}", module.partition(".")[0]
    if path in VALUES:
        return True
    if top in REFUSED or not (WORD.fullmatch(module) and WORD.fullmatch(name)):
        return False
    if INSIDE.intersection(path.lower().split(".")):
        return False
    if "__" in name or ("." in name and not all(is_class(one) for one in name.split("."))):
        return False  # a walk along attributes, which ends anywhere
    return top not in LIBRARIES or bool(re.fullmatch(LIBRARIES[top], path))


def is_class(name: str) -> bool:
    """Whether a name is spelt as classes are; functions are not."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


def is_function_of_tensors(path: str, name: str) -> bool:
    """Whether `getattr(path, name)` is one of torch's functions, as torch.tanh is written."""
    return path in FUNCTIONS and is_attribute(name)


def is_attribute(name: str) -> bool:
    """Whether a word is the name of one attribute that its class does not keep to itself."""
    return bool(WORD.fullmatch(name)) and "." not in name and not name.startswith("_")


def may_be_called(module: str, name: str) -> bool:
    """Whether a harmless name may stand where other programs would call it: a class or value, as
    enumerations and paths are written. A function could do anything."""
    return f"{module}.{name}" in VALUES or is_class(name)
