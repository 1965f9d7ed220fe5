"""A program that stores to, cuts and appends to a file that others read: `shared.py TASK PATH NUMBER…`."""
import os
import sys
import threading
import time

import numpy as np

task, path, *numbers = sys.argv[1:]
done = threading.Event()


def listen():
    sys.stdin.read()
    done.set()


def elements(start, stop, state):
    """What elements are in a state of the file, from 1 to 255: their own index, and the state."""
    return np.arange(start, stop) | state << 40


if task == "create":
    length = int(numbers[0])
    np.lib.format.open_memmap(path, "w+", np.int64, (length,))[:] = elements(0, length, 1)
elif task == "change":
    # Never cuts below the element `floor`.
    floor, seed = map(int, numbers)
    threading.Thread(target=listen, daemon=True).start()
    array = np.lib.format.open_memmap(path, "r+")
    assert array.dtype == np.int64, array.dtype
    at, length = array.offset, len(array)
    random = np.random.default_rng(seed)
    while not done.is_set():
        state = int(random.integers(1, 256))
        a, b = sorted(map(int, random.integers(0, length + 1, 2)))
        way = random.integers(4)
        if way < 2:
            array[a:b] = elements(a, b, state)
        else:
            # Between two elements, so that each goes whole. The map is not touched before the file is as long as it.
            a = max(floor, a)
            os.truncate(path, at + 8 * a)
            time.sleep(random.uniform(0, 5e-4))
            if way == 2:
                os.truncate(path, at + 8 * length)
            else:
                with open(path, "ab") as file:
                    file.write(elements(a, length, state).tobytes())
        time.sleep(random.uniform(0, 5e-4))
    assert os.path.getsize(path) == at + 8 * length
    del array
elif task == "append":
    # As many elements, of which each is its index, some at a time.
    length = int(numbers[0])
    random, count = np.random.default_rng(1), 0
    with open(path, "ab", buffering=0) as file:
        while count < length:
            stop = min(length, count + int(random.integers(1, 3000)))
            count += file.write(np.arange(count, stop).tobytes()) // 8
            time.sleep(1e-4)
elif task == "behind":
    # Cuts the file, and stores behind its end within the last page of its own map.
    stop, page_stop, full = map(int, numbers)
    array = np.memmap(path, np.int64, "r+")
    assert len(array) == full
    os.truncate(path, 8 * stop)
    array[stop:page_stop] = 99
    array[stop - 1] = 77
    assert (array[stop:page_stop] == 99).all()
    print("stored", flush=True)
    sys.stdin.read()
    array[stop:page_stop] = 99
