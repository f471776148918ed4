"""Looks for a password in what others got to see, in every form in which it may be written."""
import base64
import urllib.parse


def _aligned(data, encode):
    """What `encode` makes of `data` wherever in a longer text it begins."""
    for shift in range(3):
        whole = encode(b'\0' * shift + data + b'\0' * 3).rstrip(b'=')
        # The characters that hold bits of the neighbours differ with them.
        yield whole[(shift * 8 + 5) // 6:(shift + len(data)) * 8 // 6]


def forms(password):
    """The byte strings that give `password` away, letter case ignored where it does not matter."""
    plain, wide = password.encode(), password.encode('utf-16-le')
    yield from (plain, password.encode('latin-1', 'replace'), wide, plain[::-1])
    yield urllib.parse.quote(password, safe='').encode()
    yield urllib.parse.quote_plus(password).encode()
    yield from (plain.hex().encode(), plain.hex().upper().encode())
    for data in (plain, wide):
        yield from _aligned(data, base64.b64encode)
        yield from _aligned(data, base64.urlsafe_b64encode)


def traces(password, *heard):
    """How many places in all that was `heard` give the password away."""
    found = 0
    for data in heard:
        low = bytes(data).lower()
        found += sum(low.count(form.lower()) for form in set(forms(password)))
    return found


def credentials(request):
    """The request proves who asks: it has an Authorization field that is more than the opening of
    a handshake, which holds no secret."""
    value = request['fields'].get('authorization')
    if value is None:
        return False
    _, _, token = value.partition(' ')
    try:
        return not base64.b64decode(token).startswith(b'NTLMSSP\0\1\0\0\0')
    except ValueError:
        return True
