# The reviewed list of public names of lamina.ops, by theme.

from . import image as image
from . import linalg as linalg
from . import nn as nn
from .arithmetic import (
    add as add,
)
from .arithmetic import (
    arctan2 as arctan2,
)
from .arithmetic import (
    clip as clip,
)
from .arithmetic import (
    divide as divide,
)
from .arithmetic import (
    divide_no_nan as divide_no_nan,
)
from .arithmetic import (
    floor_divide as floor_divide,
)
from .arithmetic import (
    fmax as fmax,
)
from .arithmetic import (
    fmin as fmin,
)
from .arithmetic import (
    fmod as fmod,
)
from .arithmetic import (
    heaviside as heaviside,
)
from .arithmetic import (
    hypot as hypot,
)
from .arithmetic import (
    logaddexp as logaddexp,
)
from .arithmetic import (
    logaddexp2 as logaddexp2,
)
from .arithmetic import (
    maximum as maximum,
)
from .arithmetic import (
    minimum as minimum,
)
from .arithmetic import (
    mod as mod,
)
from .arithmetic import (
    multiply as multiply,
)
from .arithmetic import (
    nextafter as nextafter,
)
from .arithmetic import (
    power as power,
)
from .arithmetic import (
    subtract as subtract,
)
from .arithmetic import (
    true_divide as true_divide,
)
from .bitwise import (
    bitwise_and as bitwise_and,
)
from .bitwise import (
    bitwise_invert as bitwise_invert,
)
from .bitwise import (
    bitwise_left_shift as bitwise_left_shift,
)
from .bitwise import (
    bitwise_not as bitwise_not,
)
from .bitwise import (
    bitwise_or as bitwise_or,
)
from .bitwise import (
    bitwise_right_shift as bitwise_right_shift,
)
from .bitwise import (
    bitwise_xor as bitwise_xor,
)
from .bitwise import (
    gcd as gcd,
)
from .bitwise import (
    lcm as lcm,
)
from .bitwise import (
    ldexp as ldexp,
)
from .bitwise import (
    left_shift as left_shift,
)
from .bitwise import (
    right_shift as right_shift,
)
from .compare import (
    allclose as allclose,
)
from .compare import (
    equal as equal,
)
from .compare import (
    greater as greater,
)
from .compare import (
    greater_equal as greater_equal,
)
from .compare import (
    isclose as isclose,
)
from .compare import (
    isfinite as isfinite,
)
from .compare import (
    isin as isin,
)
from .compare import (
    isinf as isinf,
)
from .compare import (
    isnan as isnan,
)
from .compare import (
    isneginf as isneginf,
)
from .compare import (
    isposinf as isposinf,
)
from .compare import (
    isreal as isreal,
)
from .compare import (
    less as less,
)
from .compare import (
    less_equal as less_equal,
)
from .compare import (
    logical_and as logical_and,
)
from .compare import (
    logical_not as logical_not,
)
from .compare import (
    logical_or as logical_or,
)
from .compare import (
    logical_xor as logical_xor,
)
from .compare import (
    not_equal as not_equal,
)
from .complexnumbers import (
    angle as angle,
)
from .complexnumbers import (
    conj as conj,
)
from .complexnumbers import (
    conjugate as conjugate,
)
from .complexnumbers import (
    imag as imag,
)
from .complexnumbers import (
    real as real,
)
from .control import (
    associative_scan as associative_scan,
)
from .control import (
    cond as cond,
)
from .control import (
    custom_gradient as custom_gradient,
)
from .control import (
    fori_loop as fori_loop,
)
from .control import (
    map as map,
)
from .control import (
    scan as scan,
)
from .control import (
    stop_gradient as stop_gradient,
)
from .control import (
    switch as switch,
)
from .control import (
    vectorized_map as vectorized_map,
)
from .control import (
    while_loop as while_loop,
)
from .convert import (
    array as array,
)
from .convert import (
    cast as cast,
)
from .convert import (
    convert_to_numpy as convert_to_numpy,
)
from .convert import (
    convert_to_tensor as convert_to_tensor,
)
from .convert import (
    copy as copy,
)
from .convert import (
    dtype as dtype,
)
from .convert import (
    is_tensor as is_tensor,
)
from .convert import (
    ndim as ndim,
)
from .convert import (
    saturate_cast as saturate_cast,
)
from .convert import (
    shape as shape,
)
from .convert import (
    size as size,
)
from .creation import (
    arange as arange,
)
from .creation import (
    empty as empty,
)
from .creation import (
    empty_like as empty_like,
)
from .creation import (
    eye as eye,
)
from .creation import (
    full as full,
)
from .creation import (
    full_like as full_like,
)
from .creation import (
    geomspace as geomspace,
)
from .creation import (
    identity as identity,
)
from .creation import (
    linspace as linspace,
)
from .creation import (
    logspace as logspace,
)
from .creation import (
    meshgrid as meshgrid,
)
from .creation import (
    ones as ones,
)
from .creation import (
    ones_like as ones_like,
)
from .creation import (
    tri as tri,
)
from .creation import (
    zeros as zeros,
)
from .creation import (
    zeros_like as zeros_like,
)
from .diagonals import (
    diag as diag,
)
from .diagonals import (
    diagflat as diagflat,
)
from .diagonals import (
    diagonal as diagonal,
)
from .diagonals import (
    diff as diff,
)
from .diagonals import (
    trapezoid as trapezoid,
)
from .diagonals import (
    tril as tril,
)
from .diagonals import (
    triu as triu,
)
from .diagonals import (
    vander as vander,
)
from .elementwise import (
    abs as abs,
)
from .elementwise import (
    absolute as absolute,
)
from .elementwise import (
    cbrt as cbrt,
)
from .elementwise import (
    ceil as ceil,
)
from .elementwise import (
    exp as exp,
)
from .elementwise import (
    exp2 as exp2,
)
from .elementwise import (
    expm1 as expm1,
)
from .elementwise import (
    fabs as fabs,
)
from .elementwise import (
    floor as floor,
)
from .elementwise import (
    log as log,
)
from .elementwise import (
    log1p as log1p,
)
from .elementwise import (
    log2 as log2,
)
from .elementwise import (
    log10 as log10,
)
from .elementwise import (
    nan_to_num as nan_to_num,
)
from .elementwise import (
    negative as negative,
)
from .elementwise import (
    reciprocal as reciprocal,
)
from .elementwise import (
    round as round,
)
from .elementwise import (
    sign as sign,
)
from .elementwise import (
    signbit as signbit,
)
from .elementwise import (
    sqrt as sqrt,
)
from .elementwise import (
    square as square,
)
from .elementwise import (
    trunc as trunc,
)
from .fourier import (
    fft as fft,
)
from .fourier import (
    fft2 as fft2,
)
from .fourier import (
    ifft2 as ifft2,
)
from .fourier import (
    irfft as irfft,
)
from .fourier import (
    istft as istft,
)
from .fourier import (
    rfft as rfft,
)
from .fourier import (
    stft as stft,
)
from .index import (
    get_item as get_item,
)
from .index import (
    nonzero as nonzero,
)
from .index import (
    select as select,
)
from .index import (
    take as take,
)
from .index import (
    take_along_axis as take_along_axis,
)
from .index import (
    unravel_index as unravel_index,
)
from .index import (
    where as where,
)
from .joining import (
    append as append,
)
from .joining import (
    array_split as array_split,
)
from .joining import (
    concatenate as concatenate,
)
from .joining import (
    dsplit as dsplit,
)
from .joining import (
    dstack as dstack,
)
from .joining import (
    hsplit as hsplit,
)
from .joining import (
    hstack as hstack,
)
from .joining import (
    split as split,
)
from .joining import (
    stack as stack,
)
from .joining import (
    unstack as unstack,
)
from .joining import (
    vsplit as vsplit,
)
from .joining import (
    vstack as vstack,
)
from .linalg import (
    cholesky as cholesky,
)
from .linalg import (
    cholesky_inverse as cholesky_inverse,
)
from .linalg import (
    det as det,
)
from .linalg import (
    eig as eig,
)
from .linalg import (
    eigh as eigh,
)
from .linalg import (
    inv as inv,
)
from .linalg import (
    jvp as jvp,
)
from .linalg import (
    lstsq as lstsq,
)
from .linalg import (
    lu_factor as lu_factor,
)
from .linalg import (
    matrix_rank as matrix_rank,
)
from .linalg import (
    norm as norm,
)
from .linalg import (
    pinv as pinv,
)
from .linalg import (
    qr as qr,
)
from .linalg import (
    solve as solve,
)
from .linalg import (
    solve_triangular as solve_triangular,
)
from .linalg import (
    svd as svd,
)
from .manipulate import (
    broadcast_to as broadcast_to,
)
from .manipulate import (
    expand_dims as expand_dims,
)
from .manipulate import (
    flip as flip,
)
from .manipulate import (
    fliplr as fliplr,
)
from .manipulate import (
    flipud as flipud,
)
from .manipulate import (
    moveaxis as moveaxis,
)
from .manipulate import (
    pad as pad,
)
from .manipulate import (
    ravel as ravel,
)
from .manipulate import (
    repeat as repeat,
)
from .manipulate import (
    reshape as reshape,
)
from .manipulate import (
    roll as roll,
)
from .manipulate import (
    rot90 as rot90,
)
from .manipulate import (
    squeeze as squeeze,
)
from .manipulate import (
    swapaxes as swapaxes,
)
from .manipulate import (
    tile as tile,
)
from .manipulate import (
    transpose as transpose,
)
from .manipulate import (
    view as view,
)
from .math import (
    cdist as cdist,
)
from .math import (
    erf as erf,
)
from .math import (
    erfc as erfc,
)
from .math import (
    erfinv as erfinv,
)
from .math import (
    extract_sequences as extract_sequences,
)
from .math import (
    in_top_k as in_top_k,
)
from .math import (
    logdet as logdet,
)
from .math import (
    logsumexp as logsumexp,
)
from .math import (
    rsqrt as rsqrt,
)
from .math import (
    top_k as top_k,
)
from .math import (
    view_as_complex as view_as_complex,
)
from .math import (
    view_as_real as view_as_real,
)
from .nanreduce import (
    nanargmax as nanargmax,
)
from .nanreduce import (
    nanargmin as nanargmin,
)
from .nanreduce import (
    nancumprod as nancumprod,
)
from .nanreduce import (
    nancumsum as nancumsum,
)
from .nanreduce import (
    nanmax as nanmax,
)
from .nanreduce import (
    nanmean as nanmean,
)
from .nanreduce import (
    nanmin as nanmin,
)
from .nanreduce import (
    nanprod as nanprod,
)
from .nanreduce import (
    nanstd as nanstd,
)
from .nanreduce import (
    nansum as nansum,
)
from .nanreduce import (
    nanvar as nanvar,
)
from .nn.activations import (
    celu as celu,
)
from .nn.activations import (
    elu as elu,
)
from .nn.activations import (
    gelu as gelu,
)
from .nn.activations import (
    glu as glu,
)
from .nn.activations import (
    hard_shrink as hard_shrink,
)
from .nn.activations import (
    hard_sigmoid as hard_sigmoid,
)
from .nn.activations import (
    hard_silu as hard_silu,
)
from .nn.activations import (
    hard_swish as hard_swish,
)
from .nn.activations import (
    hard_tanh as hard_tanh,
)
from .nn.activations import (
    leaky_relu as leaky_relu,
)
from .nn.activations import (
    log_sigmoid as log_sigmoid,
)
from .nn.activations import (
    log_softmax as log_softmax,
)
from .nn.activations import (
    relu as relu,
)
from .nn.activations import (
    relu6 as relu6,
)
from .nn.activations import (
    selu as selu,
)
from .nn.activations import (
    sigmoid as sigmoid,
)
from .nn.activations import (
    silu as silu,
)
from .nn.activations import (
    soft_shrink as soft_shrink,
)
from .nn.activations import (
    softmax as softmax,
)
from .nn.activations import (
    softplus as softplus,
)
from .nn.activations import (
    softsign as softsign,
)
from .nn.activations import (
    sparse_plus as sparse_plus,
)
from .nn.activations import (
    sparse_sigmoid as sparse_sigmoid,
)
from .nn.activations import (
    sparsemax as sparsemax,
)
from .nn.activations import (
    squareplus as squareplus,
)
from .nn.activations import (
    swish as swish,
)
from .nn.activations import (
    tanh_shrink as tanh_shrink,
)
from .nn.activations import (
    threshold as threshold,
)
from .nn.attention import (
    dot_product_attention as dot_product_attention,
)
from .nn.blocks import (
    depth_to_space as depth_to_space,
)
from .nn.blocks import (
    fold as fold,
)
from .nn.blocks import (
    space_to_depth as space_to_depth,
)
from .nn.blocks import (
    unfold as unfold,
)
from .nn.convolution import (
    conv as conv,
)
from .nn.convolution import (
    conv_transpose as conv_transpose,
)
from .nn.convolution import (
    depthwise_conv as depthwise_conv,
)
from .nn.convolution import (
    separable_conv as separable_conv,
)
from .nn.ctc import (
    ctc_decode as ctc_decode,
)
from .nn.ctc import (
    ctc_loss as ctc_loss,
)
from .nn.encoding import (
    multi_hot as multi_hot,
)
from .nn.encoding import (
    one_hot as one_hot,
)
from .nn.losses import (
    binary_crossentropy as binary_crossentropy,
)
from .nn.losses import (
    categorical_crossentropy as categorical_crossentropy,
)
from .nn.losses import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from .nn.normalization import (
    batch_normalization as batch_normalization,
)
from .nn.normalization import (
    layer_normalization as layer_normalization,
)
from .nn.normalization import (
    moments as moments,
)
from .nn.normalization import (
    normalize as normalize,
)
from .nn.normalization import (
    rms_normalization as rms_normalization,
)
from .nn.pooling import (
    adaptive_average_pool as adaptive_average_pool,
)
from .nn.pooling import (
    adaptive_max_pool as adaptive_max_pool,
)
from .nn.pooling import (
    average_pool as average_pool,
)
from .nn.pooling import (
    max_pool as max_pool,
)
from .nn.signals import (
    polar as polar,
)
from .nn.signals import (
    psnr as psnr,
)
from .order import (
    argpartition as argpartition,
)
from .order import (
    argsort as argsort,
)
from .order import (
    bincount as bincount,
)
from .order import (
    digitize as digitize,
)
from .order import (
    histogram as histogram,
)
from .order import (
    searchsorted as searchsorted,
)
from .order import (
    sort as sort,
)
from .order import (
    unique as unique,
)
from .products import (
    correlate as correlate,
)
from .products import (
    cross as cross,
)
from .products import (
    dot as dot,
)
from .products import (
    einsum as einsum,
)
from .products import (
    inner as inner,
)
from .products import (
    kron as kron,
)
from .products import (
    matmul as matmul,
)
from .products import (
    outer as outer,
)
from .products import (
    slogdet as slogdet,
)
from .products import (
    tensordot as tensordot,
)
from .products import (
    trace as trace,
)
from .products import (
    vdot as vdot,
)
from .rearrange import (
    rearrange as rearrange,
)
from .reduce import (
    all as all,
)
from .reduce import (
    amax as amax,
)
from .reduce import (
    amin as amin,
)
from .reduce import (
    any as any,
)
from .reduce import (
    argmax as argmax,
)
from .reduce import (
    argmin as argmin,
)
from .reduce import (
    average as average,
)
from .reduce import (
    count_nonzero as count_nonzero,
)
from .reduce import (
    cumprod as cumprod,
)
from .reduce import (
    cumsum as cumsum,
)
from .reduce import (
    max as max,
)
from .reduce import (
    mean as mean,
)
from .reduce import (
    min as min,
)
from .reduce import (
    prod as prod,
)
from .reduce import (
    ptp as ptp,
)
from .reduce import (
    std as std,
)
from .reduce import (
    sum as sum,
)
from .reduce import (
    var as var,
)
from .segment import (
    segment_max as segment_max,
)
from .segment import (
    segment_min as segment_min,
)
from .segment import (
    segment_prod as segment_prod,
)
from .segment import (
    segment_sum as segment_sum,
)
from .statistics import (
    corrcoef as corrcoef,
)
from .statistics import (
    median as median,
)
from .statistics import (
    nanmedian as nanmedian,
)
from .statistics import (
    nanpercentile as nanpercentile,
)
from .statistics import (
    nanquantile as nanquantile,
)
from .statistics import (
    percentile as percentile,
)
from .statistics import (
    quantile as quantile,
)
from .trigonometry import (
    arccos as arccos,
)
from .trigonometry import (
    arccosh as arccosh,
)
from .trigonometry import (
    arcsin as arcsin,
)
from .trigonometry import (
    arcsinh as arcsinh,
)
from .trigonometry import (
    arctan as arctan,
)
from .trigonometry import (
    arctanh as arctanh,
)
from .trigonometry import (
    cos as cos,
)
from .trigonometry import (
    cosh as cosh,
)
from .trigonometry import (
    deg2rad as deg2rad,
)
from .trigonometry import (
    rad2deg as rad2deg,
)
from .trigonometry import (
    sin as sin,
)
from .trigonometry import (
    sinc as sinc,
)
from .trigonometry import (
    sinh as sinh,
)
from .trigonometry import (
    tan as tan,
)
from .trigonometry import (
    tanh as tanh,
)
from .update import (
    scatter as scatter,
)
from .update import (
    scatter_update as scatter_update,
)
from .update import (
    slice as slice,
)
from .update import (
    slice_update as slice_update,
)
from .vectorize import (
    vectorize as vectorize,
)
from .windows import (
    bartlett as bartlett,
)
from .windows import (
    blackman as blackman,
)
from .windows import (
    hamming as hamming,
)
from .windows import (
    hanning as hanning,
)
from .windows import (
    i0 as i0,
)
from .windows import (
    kaiser as kaiser,
)
