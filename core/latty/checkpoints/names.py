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
IPython _distutils_hack aiohttp botocore boto3 cffi cloudpickle cloudpickle_fork dask dill docker
execnet fabric fsspec gevent httpx huggingface_hub invoke ipykernel jinja2 joblib jsonpickle keras
llvmlite multiprocess numba numexpr onnxruntime paramiko pandas pathos pexpect pip pkg_resources
plumbum psutil pty ray requests rpyc setuptools sh sympy tensorflow triton twisted urllib3 uvloop
wheel yaml
"""
REFUSED = frozenset(sys.stdlib_module_names) - {"__main__"} | {*OLD.split(), *RUNNERS.split()}
# Of the libraries that every reader of such files has, what is no more than a layer or a value.
LIBRARIES = {
    "torch": r"torch\.(nn|optim|distributions|cuda\.amp|amp|utils\.data|_C\._nn)\..+"
    r"|torch\.(Tensor|Generator|QUInt[0-9x]+Storage|(sparse_|per_)[a-z_]+|strided|[a-z_]+_format|channels_last\w*)"
    r"|torch\.(q?u?int|b?float|complex|bits)[0-9][0-9a-z_]*",
    "numpy": r"numpy\.(u?int|float|complex|bool|str|bytes)[0-9]*_?|numpy\.random\.(\w+\.)?[A-Z]\w+",
}
WORD = re.compile(r"[^\W\d]\w*(\.\w+)*")


def is_harmless(module: str, name: str) -> bool:
    """Whether `module.name` may be named by a file that is read."""
    path, top = f"{module}.{name}", module.partition(".")[0]
    if path in VALUES:
        return True
    if top in REFUSED or not (WORD.fullmatch(module) and WORD.fullmatch(name)):
        return False
    if "__" in name or ("." in name and not all(is_class(one) for one in name.split("."))):
        return False  # a walk along attributes, which ends anywhere
    return top not in LIBRARIES or bool(re.fullmatch(LIBRARIES[top], path))


def is_class(name: str) -> bool:
    """Whether a name is spelt as classes are; functions are not."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


def may_be_called(module: str, name: str) -> bool:
    """Whether a harmless name may stand where other programs would call it: a class or value, as
    enumerations and paths are written. A function could do anything."""
    return f"{module}.{name}" in VALUES or is_class(name)
