# Makes `.npy` files of every dtype that Arrow has a type for, in both byte orders, alone, with more axes, and in
# records.
import sys, numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(14)
N = 100


def values(descr):
    dtype = np.dtype(descr)
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return np.array([values(base.str)[:1].repeat(int(np.prod(shape))).reshape(shape) for _ in range(N)], base)
    kind = dtype.kind
    if kind in 'Mm':
        unit = np.datetime_data(dtype)[0]
        most = {'Y': 200, 'M': 2000, 'W': 9000, 'D': 60000}.get(unit, 10 ** 9)
        made = rng.integers(-most, most, N).astype('i8')
        made[::7] = np.iinfo('i8').min
        return made.astype(dtype.newbyteorder('=').str.replace('M', 'M')).astype(dtype)
    if kind == 'U':
        words = ['', 'a', 'zwölf', '漢字', '🦀', 'in\0side', ' both ']
        return np.array([words[i % 7] for i in range(N)]).astype(dtype)
    if kind == 'S':
        words = [b'', b'a', b'abc', 'ö'.encode(), b'in\0', b'\0b']
        return np.array([words[i % 6] for i in range(N)]).astype(dtype)
    if dtype.itemsize == 16 and kind == 'f':
        # Of any bits some are no number of x87's.
        return rng.standard_normal(N).astype(dtype) / 3
    made = np.frombuffer(rng.bytes(N * dtype.itemsize), dtype).copy()
    return made


DTYPES = ['?'] + [order + text for order in '<>' for text in
                  ['i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8', 'U7', 'M8[D]', 'M8[s]', 'M8[ms]',
                   'M8[us]', 'M8[ns]', 'm8[s]', 'm8[ms]', 'm8[us]', 'm8[ns]', 'M8[Y]', 'M8[M]', 'M8[W]', 'M8[h]',
                   'M8[m]', 'M8[25s]', 'm8[Y]', 'm8[M]', 'm8[W]', 'm8[D]', 'm8[h]', 'm8[m]', 'm8[10ms]', 'c8', 'c16']]
DTYPES += ['S5', 'V3', '<f16']

for number, descr in enumerate(DTYPES):
    if descr == '?':
        array = rng.integers(0, 2, N).astype('?')
    else:
        array = values(descr)
    np.save(f'{folder}/plain-{number:03}.npy', array)
    np.save(f'{folder}/rows-{number:03}.npy', array[:96].reshape(8, 3, 4))
    np.save(f'{folder}/columns-{number:03}.npy', np.asfortranarray(array[:96].reshape(8, 3, 4)))

fields = [(f'f{number}', descr) for number, descr in enumerate(DTYPES)]
fields += [('sub', '>i4', (2, 3)), ('times', '<M8[ms]', (2,))]
fields += [('nested', [('x', '<f4'), ('deep', [('y', '>u2', (2,)), ('z', 'S3')])])]
for name, align in [('packed', False), ('aligned', True)]:
    records = np.zeros(N, np.dtype(fields, align=align))
    for field, descr in fields[:len(DTYPES)]:
        records[field] = rng.integers(0, 2, N).astype('?') if descr == '?' else values(descr)
    records['sub'] = rng.integers(-9, 9, (N, 2, 3))
    records['times'] = rng.integers(-9, 9, (N, 2)).astype('M8[ms]')
    records['nested']['x'] = np.arange(N)
    records['nested']['deep']['y'] = rng.integers(0, 9, (N, 2))
    records['nested']['deep']['z'] = b'z'
    np.save(f'{folder}/record-{name}.npy', records)
