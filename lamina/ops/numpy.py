"""NumPy's names among the operations: `keras.ops.numpy`."""

from __future__ import annotations

from lamina.ops.arithmetic import (
    add as add,
)
from lamina.ops.arithmetic import (
    arctan2 as arctan2,
)
from lamina.ops.arithmetic import (
    clip as clip,
)
from lamina.ops.arithmetic import (
    divide as divide,
)
from lamina.ops.arithmetic import (
    divide_no_nan as divide_no_nan,
)
from lamina.ops.arithmetic import (
    floor_divide as floor_divide,
)
from lamina.ops.arithmetic import (
    fmax as fmax,
)
from lamina.ops.arithmetic import (
    fmin as fmin,
)
from lamina.ops.arithmetic import (
    fmod as fmod,
)
from lamina.ops.arithmetic import (
    heaviside as heaviside,
)
from lamina.ops.arithmetic import (
    hypot as hypot,
)
from lamina.ops.arithmetic import (
    logaddexp as logaddexp,
)
from lamina.ops.arithmetic import (
    logaddexp2 as logaddexp2,
)
from lamina.ops.arithmetic import (
    maximum as maximum,
)
from lamina.ops.arithmetic import (
    minimum as minimum,
)
from lamina.ops.arithmetic import (
    mod as mod,
)
from lamina.ops.arithmetic import (
    multiply as multiply,
)
from lamina.ops.arithmetic import (
    nextafter as nextafter,
)
from lamina.ops.arithmetic import (
    power as power,
)
from lamina.ops.arithmetic import (
    subtract as subtract,
)
from lamina.ops.arithmetic import (
    true_divide as true_divide,
)
from lamina.ops.bitwise import (
    bitwise_and as bitwise_and,
)
from lamina.ops.bitwise import (
    bitwise_invert as bitwise_invert,
)
from lamina.ops.bitwise import (
    bitwise_left_shift as bitwise_left_shift,
)
from lamina.ops.bitwise import (
    bitwise_not as bitwise_not,
)
from lamina.ops.bitwise import (
    bitwise_or as bitwise_or,
)
from lamina.ops.bitwise import (
    bitwise_right_shift as bitwise_right_shift,
)
from lamina.ops.bitwise import (
    bitwise_xor as bitwise_xor,
)
from lamina.ops.bitwise import (
    gcd as gcd,
)
from lamina.ops.bitwise import (
    lcm as lcm,
)
from lamina.ops.bitwise import (
    ldexp as ldexp,
)
from lamina.ops.bitwise import (
    left_shift as left_shift,
)
from lamina.ops.bitwise import (
    right_shift as right_shift,
)
from lamina.ops.compare import (
    allclose as allclose,
)
from lamina.ops.compare import (
    equal as equal,
)
from lamina.ops.compare import (
    greater as greater,
)
from lamina.ops.compare import (
    greater_equal as greater_equal,
)
from lamina.ops.compare import (
    isclose as isclose,
)
from lamina.ops.compare import (
    isfinite as isfinite,
)
from lamina.ops.compare import (
    isin as isin,
)
from lamina.ops.compare import (
    isinf as isinf,
)
from lamina.ops.compare import (
    isnan as isnan,
)
from lamina.ops.compare import (
    isneginf as isneginf,
)
from lamina.ops.compare import (
    isposinf as isposinf,
)
from lamina.ops.compare import (
    isreal as isreal,
)
from lamina.ops.compare import (
    less as less,
)
from lamina.ops.compare import (
    less_equal as less_equal,
)
from lamina.ops.compare import (
    logical_and as logical_and,
)
from lamina.ops.compare import (
    logical_not as logical_not,
)
from lamina.ops.compare import (
    logical_or as logical_or,
)
from lamina.ops.compare import (
    logical_xor as logical_xor,
)
from lamina.ops.compare import (
    not_equal as not_equal,
)
from lamina.ops.complexnumbers import (
    angle as angle,
)
from lamina.ops.complexnumbers import (
    conj as conj,
)
from lamina.ops.complexnumbers import (
    conjugate as conjugate,
)
from lamina.ops.complexnumbers import (
    imag as imag,
)
from lamina.ops.complexnumbers import (
    real as real,
)
from lamina.ops.convert import (
    array as array,
)
from lamina.ops.convert import (
    copy as copy,
)
from lamina.ops.convert import (
    ndim as ndim,
)
from lamina.ops.convert import (
    size as size,
)
from lamina.ops.creation import (
    arange as arange,
)
from lamina.ops.creation import (
    empty as empty,
)
from lamina.ops.creation import (
    empty_like as empty_like,
)
from lamina.ops.creation import (
    eye as eye,
)
from lamina.ops.creation import (
    full as full,
)
from lamina.ops.creation import (
    full_like as full_like,
)
from lamina.ops.creation import (
    geomspace as geomspace,
)
from lamina.ops.creation import (
    identity as identity,
)
from lamina.ops.creation import (
    linspace as linspace,
)
from lamina.ops.creation import (
    logspace as logspace,
)
from lamina.ops.creation import (
    meshgrid as meshgrid,
)
from lamina.ops.creation import (
    ones as ones,
)
from lamina.ops.creation import (
    ones_like as ones_like,
)
from lamina.ops.creation import (
    tri as tri,
)
from lamina.ops.creation import (
    zeros as zeros,
)
from lamina.ops.creation import (
    zeros_like as zeros_like,
)
from lamina.ops.diagonals import (
    diag as diag,
)
from lamina.ops.diagonals import (
    diagflat as diagflat,
)
from lamina.ops.diagonals import (
    diagonal as diagonal,
)
from lamina.ops.diagonals import (
    diff as diff,
)
from lamina.ops.diagonals import (
    trapezoid as trapezoid,
)
from lamina.ops.diagonals import (
    tril as tril,
)
from lamina.ops.diagonals import (
    triu as triu,
)
from lamina.ops.diagonals import (
    vander as vander,
)
from lamina.ops.elementwise import (
    abs as abs,
)
from lamina.ops.elementwise import (
    absolute as absolute,
)
from lamina.ops.elementwise import (
    cbrt as cbrt,
)
from lamina.ops.elementwise import (
    ceil as ceil,
)
from lamina.ops.elementwise import (
    exp as exp,
)
from lamina.ops.elementwise import (
    exp2 as exp2,
)
from lamina.ops.elementwise import (
    expm1 as expm1,
)
from lamina.ops.elementwise import (
    fabs as fabs,
)
from lamina.ops.elementwise import (
    floor as floor,
)
from lamina.ops.elementwise import (
    log as log,
)
from lamina.ops.elementwise import (
    log1p as log1p,
)
from lamina.ops.elementwise import (
    log2 as log2,
)
from lamina.ops.elementwise import (
    log10 as log10,
)
from lamina.ops.elementwise import (
    nan_to_num as nan_to_num,
)
from lamina.ops.elementwise import (
    negative as negative,
)
from lamina.ops.elementwise import (
    reciprocal as reciprocal,
)
from lamina.ops.elementwise import (
    round as round,
)
from lamina.ops.elementwise import (
    sign as sign,
)
from lamina.ops.elementwise import (
    signbit as signbit,
)
from lamina.ops.elementwise import (
    sqrt as sqrt,
)
from lamina.ops.elementwise import (
    square as square,
)
from lamina.ops.elementwise import (
    trunc as trunc,
)
from lamina.ops.index import (
    get_item as get_item,
)
from lamina.ops.index import (
    nonzero as nonzero,
)
from lamina.ops.index import (
    select as select,
)
from lamina.ops.index import (
    take as take,
)
from lamina.ops.index import (
    take_along_axis as take_along_axis,
)
from lamina.ops.index import (
    unravel_index as unravel_index,
)
from lamina.ops.index import (
    where as where,
)
from lamina.ops.joining import (
    append as append,
)
from lamina.ops.joining import (
    array_split as array_split,
)
from lamina.ops.joining import (
    concatenate as concatenate,
)
from lamina.ops.joining import (
    dsplit as dsplit,
)
from lamina.ops.joining import (
    dstack as dstack,
)
from lamina.ops.joining import (
    hsplit as hsplit,
)
from lamina.ops.joining import (
    hstack as hstack,
)
from lamina.ops.joining import (
    split as split,
)
from lamina.ops.joining import (
    stack as stack,
)
from lamina.ops.joining import (
    vsplit as vsplit,
)
from lamina.ops.joining import (
    vstack as vstack,
)
from lamina.ops.manipulate import (
    broadcast_to as broadcast_to,
)
from lamina.ops.manipulate import (
    expand_dims as expand_dims,
)
from lamina.ops.manipulate import (
    flip as flip,
)
from lamina.ops.manipulate import (
    fliplr as fliplr,
)
from lamina.ops.manipulate import (
    flipud as flipud,
)
from lamina.ops.manipulate import (
    moveaxis as moveaxis,
)
from lamina.ops.manipulate import (
    pad as pad,
)
from lamina.ops.manipulate import (
    ravel as ravel,
)
from lamina.ops.manipulate import (
    repeat as repeat,
)
from lamina.ops.manipulate import (
    reshape as reshape,
)
from lamina.ops.manipulate import (
    roll as roll,
)
from lamina.ops.manipulate import (
    rot90 as rot90,
)
from lamina.ops.manipulate import (
    squeeze as squeeze,
)
from lamina.ops.manipulate import (
    swapaxes as swapaxes,
)
from lamina.ops.manipulate import (
    tile as tile,
)
from lamina.ops.manipulate import (
    transpose as transpose,
)
from lamina.ops.manipulate import (
    view as view,
)
from lamina.ops.nanreduce import (
    nanargmax as nanargmax,
)
from lamina.ops.nanreduce import (
    nanargmin as nanargmin,
)
from lamina.ops.nanreduce import (
    nancumprod as nancumprod,
)
from lamina.ops.nanreduce import (
    nancumsum as nancumsum,
)
from lamina.ops.nanreduce import (
    nanmax as nanmax,
)
from lamina.ops.nanreduce import (
    nanmean as nanmean,
)
from lamina.ops.nanreduce import (
    nanmin as nanmin,
)
from lamina.ops.nanreduce import (
    nanprod as nanprod,
)
from lamina.ops.nanreduce import (
    nanstd as nanstd,
)
from lamina.ops.nanreduce import (
    nansum as nansum,
)
from lamina.ops.nanreduce import (
    nanvar as nanvar,
)
from lamina.ops.order import (
    argpartition as argpartition,
)
from lamina.ops.order import (
    argsort as argsort,
)
from lamina.ops.order import (
    bincount as bincount,
)
from lamina.ops.order import (
    digitize as digitize,
)
from lamina.ops.order import (
    histogram as histogram,
)
from lamina.ops.order import (
    searchsorted as searchsorted,
)
from lamina.ops.order import (
    sort as sort,
)
from lamina.ops.order import (
    unique as unique,
)
from lamina.ops.products import (
    correlate as correlate,
)
from lamina.ops.products import (
    cross as cross,
)
from lamina.ops.products import (
    dot as dot,
)
from lamina.ops.products import (
    einsum as einsum,
)
from lamina.ops.products import (
    inner as inner,
)
from lamina.ops.products import (
    kron as kron,
)
from lamina.ops.products import (
    matmul as matmul,
)
from lamina.ops.products import (
    outer as outer,
)
from lamina.ops.products import (
    slogdet as slogdet,
)
from lamina.ops.products import (
    tensordot as tensordot,
)
from lamina.ops.products import (
    trace as trace,
)
from lamina.ops.products import (
    vdot as vdot,
)
from lamina.ops.reduce import (
    all as all,
)
from lamina.ops.reduce import (
    amax as amax,
)
from lamina.ops.reduce import (
    amin as amin,
)
from lamina.ops.reduce import (
    any as any,
)
from lamina.ops.reduce import (
    argmax as argmax,
)
from lamina.ops.reduce import (
    argmin as argmin,
)
from lamina.ops.reduce import (
    average as average,
)
from lamina.ops.reduce import (
    count_nonzero as count_nonzero,
)
from lamina.ops.reduce import (
    cumprod as cumprod,
)
from lamina.ops.reduce import (
    cumsum as cumsum,
)
from lamina.ops.reduce import (
    max as max,
)
from lamina.ops.reduce import (
    mean as mean,
)
from lamina.ops.reduce import (
    min as min,
)
from lamina.ops.reduce import (
    prod as prod,
)
from lamina.ops.reduce import (
    ptp as ptp,
)
from lamina.ops.reduce import (
    std as std,
)
from lamina.ops.reduce import (
    sum as sum,
)
from lamina.ops.reduce import (
    var as var,
)
from lamina.ops.statistics import (
    corrcoef as corrcoef,
)
from lamina.ops.statistics import (
    median as median,
)
from lamina.ops.statistics import (
    nanmedian as nanmedian,
)
from lamina.ops.statistics import (
    nanpercentile as nanpercentile,
)
from lamina.ops.statistics import (
    nanquantile as nanquantile,
)
from lamina.ops.statistics import (
    percentile as percentile,
)
from lamina.ops.statistics import (
    quantile as quantile,
)
from lamina.ops.trigonometry import (
    arccos as arccos,
)
from lamina.ops.trigonometry import (
    arccosh as arccosh,
)
from lamina.ops.trigonometry import (
    arcsin as arcsin,
)
from lamina.ops.trigonometry import (
    arcsinh as arcsinh,
)
from lamina.ops.trigonometry import (
    arctan as arctan,
)
from lamina.ops.trigonometry import (
    arctanh as arctanh,
)
from lamina.ops.trigonometry import (
    cos as cos,
)
from lamina.ops.trigonometry import (
    cosh as cosh,
)
from lamina.ops.trigonometry import (
    deg2rad as deg2rad,
)
from lamina.ops.trigonometry import (
    rad2deg as rad2deg,
)
from lamina.ops.trigonometry import (
    sin as sin,
)
from lamina.ops.trigonometry import (
    sinc as sinc,
)
from lamina.ops.trigonometry import (
    sinh as sinh,
)
from lamina.ops.trigonometry import (
    tan as tan,
)
from lamina.ops.trigonometry import (
    tanh as tanh,
)
from lamina.ops.vectorize import (
    vectorize as vectorize,
)
from lamina.ops.windows import (
    bartlett as bartlett,
)
from lamina.ops.windows import (
    blackman as blackman,
)
from lamina.ops.windows import (
    hamming as hamming,
)
from lamina.ops.windows import (
    hanning as hanning,
)
from lamina.ops.windows import (
    i0 as i0,
)
from lamina.ops.windows import (
    kaiser as kaiser,
)
