#!/usr/bin/python3
"""Asks for the settings of an address with python3-exchangelib, prints them as JSON.

    ask_exchangelib.py ADDRESS PASSWORD-FILE [quiet|soap]

It asks in POX, or with `soap` in SOAP. Stops where discovery ends: no EWS server is asked. Its log
goes to standard error unless `quiet`. Exits 0, or 1 when nothing was found."""
import json
import logging
import pathlib
import sys
import time
import warnings

warnings.simplefilter('ignore')

from exchangelib import Credentials  # noqa: E402
from exchangelib.autodiscover.discovery.pox import PoxAutodiscovery  # noqa: E402
from exchangelib.autodiscover.discovery.soap import SoapAutodiscovery  # noqa: E402
from exchangelib.errors import AutoDiscoverError, AutoDiscoverFailed, EWSError  # noqa: E402


class Discovery(PoxAutodiscovery):
    """Its usual discovery, without the connection to EWS that would follow."""

    def _build_response(self, ad_response):
        return ad_response


class SoapDiscovery(SoapAutodiscovery):
    """The same in SOAP."""

    def _build_response(self, ad_response):
        return ad_response


def soap(address, credentials, began):
    """Prints what SOAP tells."""
    found = SoapDiscovery(email=address, credentials=credentials).discover()
    print(json.dumps({'seconds': time.monotonic() - began, 'ews_url': found.ews_url,
                      'address': found.autodiscover_smtp_address,
                      'version': found.version.api_version if found.version else None}))


def pox(address, credentials, began):
    """Prints what POX tells. ValueError: an answer without Exchange."""
    found = Discovery(email=address, credentials=credentials).discover()
    print(json.dumps({
        'seconds': time.monotonic() - began,
        'display_name': found.user.display_name,
        'legacy_dn': found.user.legacy_dn,
        'chosen': {'type': found.protocol.type, 'ews_url': found.protocol.ews_url},
        'protocols': {p.type: {'server': p.server, 'ews_url': p.ews_url, 'oab_url': p.oab_url,
                               'auth_package': p.auth_package, 'ttl': p.ttl}
                      for p in found.account.protocols if p.type},
    }))


def main():
    address, password_file = sys.argv[1:3]
    password = pathlib.Path(password_file).read_text(encoding='utf-8').rstrip('\n')
    logging.basicConfig(level=logging.CRITICAL if 'quiet' in sys.argv[3:] else logging.DEBUG,
                        stream=sys.stderr)
    began = time.monotonic()
    try:
        language = soap if 'soap' in sys.argv[3:] else pox
        language(address, Credentials(address, password), began)
    except (AutoDiscoverFailed, AutoDiscoverError, EWSError, ValueError) as fault:
        print(json.dumps({'error': type(fault).__name__, 'message': str(fault),
                          'seconds': time.monotonic() - began}))
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
