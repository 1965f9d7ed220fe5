"""A program that has a handler of `SIGBUS` of its own: `program.py CASE LIBRARY PATH`."""
import ctypes
import faulthandler
import mmap
import os
import resource
import sys
import threading

TRUNCATED, UNSUPPORTED = -1, -2
case, library, path = sys.argv[1:]
array = ctypes.CDLL(library)
array.array_open.argtypes = [ctypes.c_char_p]
array.array_set.argtypes = [ctypes.c_size_t, ctypes.c_uint8]
for function in array.array_open, array.array_sum, array.array_set, array.array_refresh:
    function.restype = ctypes.c_int64


def write(count):
    with open(path, "wb") as file:
        file.write(b"\1" * count)


def in_thread(function):
    """What a function returns in a thread of Python's, which has no stack of its own for handlers."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def check(set_all=0, set_lost=TRUNCATED):
    """Has pages lost under the array, and found missing."""
    write(100_000)
    assert array.array_refresh() == 100_000
    for call in (lambda function: function()), in_thread:
        assert call(array.array_sum) == 100_000
        assert call(lambda: array.array_set(7, 1)) == set_all
        os.truncate(path, 50_000)
        assert call(array.array_sum) == TRUNCATED
        assert call(lambda: array.array_set(90_000, 5)) == set_lost
        assert array.array_refresh() == 50_000
        assert call(array.array_sum) == 50_000
        write(100_000)
        assert array.array_refresh() == 100_000


def die():
    """Loads a page that is lost from a map of Python's own."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open(path, "r+b") as file:
        own = mmap.mmap(file.fileno(), 0)
        os.truncate(path, 0)
        print("dies", flush=True)
        own[50_000]


write(100_000)
if case.startswith("before"):
    faulthandler.enable()
assert array.array_open(os.fsencode(path)) == 100_000
if case.startswith("after"):
    faulthandler.enable()
    # The handler that there is now would end the program: what can be read otherwise is, and nothing is written.
    check(UNSUPPORTED, UNSUPPORTED)
else:
    check()
if case.endswith("stranger"):
    die()
if case == "after":
    # It puts back the handler that it found.
    faulthandler.disable()
    check()
    faulthandler.enable()
    check(UNSUPPORTED, UNSUPPORTED)
print("done")
