#!/usr/bin/python3
"""Finds the settings of a mailbox with libusher from Python, in an asyncio loop.

    USHER_PASSWORD=secret ./find.py ann@contoso.example"""
import asyncio
import ctypes
import json
import os
import sys

# The soname: a library with another ABI has another one.
usher = ctypes.CDLL('libusher.so.0')


class Options(ctypes.Structure):
    """struct usher_find_options up to the last member that is used here; `size` says how far."""
    _fields_ = [('size', ctypes.c_size_t), ('login', ctypes.c_char_p),
                ('password', ctypes.c_char_p)]


class Error(ctypes.Structure):
    """struct usher_error."""
    _fields_ = [('status', ctypes.c_int), ('where', ctypes.c_char * 160),
                ('message', ctypes.c_char * 480)]


def function(name, returns, *takes):
    """A function of the library with the types of its header."""
    found = getattr(usher, name)
    found.restype, found.argtypes = returns, takes
    return found


HANDLE = ctypes.c_void_p
search_new = function('usher_search_new', ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(Options),
                      ctypes.POINTER(HANDLE), ctypes.POINTER(Error))
search_fd = function('usher_search_fd', ctypes.c_int, HANDLE)
search_act = function('usher_search_act', ctypes.c_int, HANDLE)
search_result = function('usher_search_result', ctypes.c_int, HANDLE, ctypes.POINTER(HANDLE),
                         ctypes.POINTER(Error))
search_free = function('usher_search_free', None, HANDLE)
result_json = function('usher_result_json', ctypes.c_char_p, HANDLE)
result_free = function('usher_result_free', None, HANDLE)


async def find(address, password=None):
    """What `usher find --json` prints, as Python values."""
    options = Options(ctypes.sizeof(Options), None, password and password.encode())
    search, result, error = HANDLE(), HANDLE(), Error()
    if search_new(address.encode(), options, search, error):
        raise ValueError(error.message.decode())
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(search_fd(search), ready.set)
    try:
        while search_act(search):
            await ready.wait()
            ready.clear()
        if search_result(search, result, error):
            raise OSError(error.message.decode())
    finally:
        loop.remove_reader(search_fd(search))
        search_free(search)
    try:
        return json.loads(result_json(result))
    finally:
        result_free(result)


async def main():
    """Every address at once."""
    password = os.environ.get('USHER_PASSWORD')
    for found in await asyncio.gather(*(find(address, password) for address in sys.argv[1:])):
        print(f"{found['address']}: {found['outcome']}")
        for protocol in (found['answer'] or {}).get('protocols', []):
            print(f"  {protocol['type']} {protocol.get('server', '')}")

if __name__ == '__main__':
    asyncio.run(main())
