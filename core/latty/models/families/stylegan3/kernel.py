"""The filtered activation of one tile as one program of a GPU, in Triton.

Nothing but what calls it imports this module: Triton comes with torch's CUDA builds alone.
"""

import triton
import triton.language as tl

EVERY_NAN = tl.constexpr(tl.PropagateNan.ALL)  # what is not a number must be seen in the picture


@triton.jit
def _matrix(at, high: tl.constexpr, wide: tl.constexpr):
    """A matrix (high, wide) in one piece."""
    return tl.load(at + tl.arange(0, high)[:, None] * wide + tl.arange(0, wide)[None, :])


@triton.jit
def _window(start, top, left, height, width, stride_h, stride_w, side: tl.constexpr):
    """The inputs (side, side) of a tile, 0 beyond the picture."""
    rows, columns = top + tl.arange(0, side)[:, None], left + tl.arange(0, side)[None, :]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    read = start + rows * stride_h + columns * stride_w
    return tl.load(read, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _rounded(x, precision: tl.constexpr):
    """The float32 x as what a product reads of it. Of TF32 it drops the last 13 bits: rounded to
    the nearest before, numbers do not become smaller in each of four products."""
    if precision == "tf32":
        bits = (x.to(tl.int32, bitcast=True) + 0x1000) & -0x2000
        return tl.where(x == x, bits.to(tl.float32, bitcast=True), x)
    else:
        return x


# fmt: off
@triton.jit(
    do_not_specialize=[
        "channels", "height", "width", "size", "tiles", "first", "step", "tile", "slope", "limit",
        "stride_n", "stride_c", "stride_h",
    ]
)
def filtered(
    x, y, rows, columns, down_columns, down_rows, channels, height, width, size, tiles, first, step,
    tile, stride_n, stride_c, stride_h, stride_w, slope, limit, window: tl.constexpr,
    fine: tl.constexpr, out: tl.constexpr, terms: tl.constexpr, limited: tl.constexpr,
    precision: tl.constexpr,
):
    """One tile of one channel of x (N, C, H, W), any strides: up-sampled, bent, limited and
    down-sampled without leaving the chip, to y (N, C, size, size) in one piece. The products
    accumulate in float32.

    rows (window, fine), columns (fine, window), down_columns (terms, out, fine), down_rows (terms,
    fine, out): those of a Tiling in sides of powers of 2, zero beyond what it has, rounded already
    """
    program = tl.program_id(0)
    plane, place = program // (tiles * tiles), program % (tiles * tiles)
    across, down = place % tiles, place // tiles
    start = x + (plane // channels).to(tl.int64) * stride_n
    start += (plane % channels).to(tl.int64) * stride_c
    top, left = first + down * step, first + across * step
    inputs = _window(start, top, left, height, width, stride_h, stride_w, window)
    grid = tl.dot(inputs, _matrix(rows, window, fine), input_precision=precision)
    grid = _rounded(grid, precision)
    grid = tl.dot(_matrix(columns, fine, window), grid, input_precision=precision)
    grid = tl.where(grid < 0, grid * slope, grid)
    if limited:
        grid = tl.maximum(tl.minimum(grid, limit, EVERY_NAN), -limit, EVERY_NAN)
    grid = _rounded(grid, precision)
    total = tl.full((out, out), 0.0, tl.float32)
    for term in range(terms):
        shrink = _matrix(down_columns + term * out * fine, out, fine)
        part = _rounded(tl.dot(shrink, grid, input_precision=precision), precision)
        shrink = _matrix(down_rows + term * fine * out, fine, out)
        total = tl.dot(part, shrink, total, input_precision=precision)
    lines, sides = tl.arange(0, out)[:, None], tl.arange(0, out)[None, :]
    wanted = (lines < tile) & (sides < tile)
    lines, sides = down * tile + lines, across * tile + sides
    wanted = wanted & (lines < size) & (sides < size)
    write = y + plane.to(tl.int64) * size * size + lines * size + sides
    tl.store(write, total.to(y.dtype.element_ty), mask=wanted)
