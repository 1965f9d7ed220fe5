"""C's `long double` as NumPy has it where that is x87's: all kinds of bits, what is made of them, what is printed."""

import random
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
rng = random.Random(5)
exponents = [0, 1, 2, 0x3FFF - 1100, 0x3FFF - 1075, 0x3FFF - 1074, 0x3FFF - 1023, 0x3FFF - 1022, 0x3FFF - 150]
exponents += [0x3FFF - 64, 0x3FFE, 0x3FFF, 0x4000, 0x3FFF + 52, 0x3FFF + 62, 0x3FFF + 63, 0x3FFF + 127]
exponents += [0x3FFF + 1023, 0x3FFF + 1024, 0x7FFE, 0x7FFF] + [rng.randrange(0x8000) for _ in range(12)]
one = 1 << 63
mantissas = [0, 1, one, one | 1, (1 << 64) - 1, one - 1, one | 1 << 62, 1 << 62, one | 1 << 10, one | 3 << 10]
mantissas += [one | 1 << 11, one | (1 << 10) + 1, one | (1 << 10) - 1]
mantissas += [one | 1 << 39, one | 3 << 39, one | (1 << 39) + 1]
mantissas += [one | rng.randrange(one) for _ in range(6)] + [rng.randrange(1 << 64) for _ in range(4)]
numbers = [(s << 15 | e, m) for e in exponents for m in mantissas for s in (0, 1)]
# What lies behind the number means nothing.
numbers = b"".join(m.to_bytes(8, "little") + e.to_bytes(2, "little") + rng.randbytes(6) for e, m in numbers)
numbers = np.frombuffer(numbers, "<f16")
np.save(folder / "numbers.npy", numbers)
np.save(folder / "big.npy", numbers.astype(">f16"))
with np.errstate(all="ignore"):
    np.save(folder / "doubles.npy", numbers.astype("f8"))
    np.save(folder / "floats.npy", numbers.astype("f4"))
    np.save(folder / "halves.npy", numbers.astype("f2"))
    # Whatever is out of range depends on the processor.
    np.save(folder / "in_range.npy", np.abs(numbers) < 2.0**63)
    np.save(folder / "integers.npy", np.where(np.abs(numbers) < 2.0**63, numbers, 0).astype("i8"))
    valid = np.array([np.isnan(number) or number == number + 0 for number in numbers])
    # To Dragon4 the bits of a number without its first bit mean what they do not mean to the processor.
    mantissa = numbers.view("u8")[::2]
    exponent = numbers.view("u2")[4::8] & 0x7FFF
    valid &= (mantissa >= one) == (exponent > 0)
    valid[(exponent == 0x7FFF) & (mantissa << np.uint64(1) != 0)] = True
np.save(folder / "valid.npy", valid)
(folder / "texts").write_text("\n".join(str(number) for number in numbers), encoding="ascii")


def text(array):
    """All of it, in parts that NumPy prints whole."""
    return "\n".join(str(array[start : start + 900]) for start in range(0, len(array), 900))


(folder / "array").write_text(text(numbers[valid]), encoding="ascii")
# What is printed without an exponent.
ordinary = numbers[valid & (np.abs(numbers) < 1e3) & (np.abs(numbers) > 1)]
ordinary = np.concatenate([ordinary, ordinary / 3, np.round(ordinary, 3)])
np.save(folder / "ordinary.npy", ordinary)
(folder / "ordinary").write_text(text(ordinary) + "\n" + text(ordinary.reshape(-1, 1)), encoding="ascii")
