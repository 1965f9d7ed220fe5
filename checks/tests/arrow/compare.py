# Compares Arrow streams beside `.npy` files with what pyarrow makes of the same files, and where it makes nothing of
# them with what NumPy does.
import glob, sys, numpy as np, pyarrow as pa

UNITS = {'s': 's', 'ms': 'ms', 'us': 'us', 'ns': 'ns'}


def expected(array):
    """The column of an array, whose other axes become lists."""
    if array.ndim > 1:
        inner = expected(array.reshape((-1,) + array.shape[2:]))
        return pa.FixedSizeListArray.from_arrays(inner, array.shape[1])
    array = np.ascontiguousarray(array)
    dtype = array.dtype
    if dtype.fields:
        columns = [expected(array[name]) for name in dtype.names]
        return pa.StructArray.from_arrays(columns, dtype.names)
    native = array.astype(dtype.newbyteorder('='))
    if dtype.kind == 'c':
        part = 'f4' if dtype.itemsize == 8 else 'f8'
        parts = [pa.array(native.real.astype(part)), pa.array(native.imag.astype(part))]
        return pa.StructArray.from_arrays(parts, ['re', 'im'])
    if dtype.kind == 'f' and dtype.itemsize > 8:
        return pa.array(native.astype('f8'))
    if dtype.kind == 'V':
        return pa.array([element.tobytes() for element in native], pa.binary(dtype.itemsize))
    if dtype.kind == 'S':
        return pa.array(native.tolist(), pa.binary())
    if dtype.kind == 'U':
        return pa.array(native.tolist(), pa.string())
    if dtype.kind in 'Mm':
        unit, count = np.datetime_data(dtype)
        if dtype.kind == 'M' and unit in 'YMWD':
            return pa.array(native.astype('M8[D]'))
        if dtype.kind == 'm' and unit in ('Y', 'M'):
            months = [None if np.isnat(span) else int(span.astype('m8[M]').astype('i8')) for span in native]
            spans = [month if month is None else pa.MonthDayNano([month, 0, 0]) for month in months]
            return pa.array(spans, pa.month_day_nano_interval())
        to = unit if unit in UNITS else 's'
        return pa.array(native.astype(f'{dtype.kind}8[{to}]'))
    return pa.array(native)


def bits(array):
    """The same with floats as their bits, of which none is NaN."""
    kind = array.type
    if pa.types.is_floating(kind):
        return array.view({16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}[kind.bit_width])
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(bits(array.flatten()), kind.list_size)
    if pa.types.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays([bits(part) for part in array.flatten()], names)
    return array


compared = 0
for path in sorted(glob.glob(f'{sys.argv[1]}/*.npy')):
    array = np.load(path)
    with pa.ipc.open_stream(path.replace('.npy', '.arrows')) as reader:
        table = reader.read_all()
    table.validate(full=True)
    names = array.dtype.names if array.dtype.fields and array.ndim == 1 else None
    columns = [(name, array[name]) for name in names] if names else [('value', array)]
    assert table.column_names == [name for name, _ in columns], (path, table.column_names)
    for (name, values), got in zip(columns, table.columns):
        want, got = expected(values), pa.concat_arrays(got.chunks) if got.num_chunks != 1 else got.chunk(0)
        kinds = [str(kind).replace('element', 'item').replace(' not null', '') for kind in (want.type, got.type)]
        assert kinds[0] == kinds[1], (path, name, *kinds)
        want, got = bits(want), bits(got)
        assert want.cast(got.type).equals(got), (path, name, want, got)
        compared += 1
print(compared)
