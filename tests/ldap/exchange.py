"""An organization as Exchange keeps it in Active Directory, and a stand-in for its schema.

The names of classes and attributes are Exchange's public ones (scp.md 7 to 9), as many as usher
reads; their object identifiers are private to these tests, and all else of Exchange's own schema is
missing. Never to be loaded into a forest that is not a test's."""
import base64
import uuid

SCHEMA_OID = '1.2.840.113556.1.8000.2554.1.1.1.1.1.1.1'
TEXT, NAME, NUMBER, LARGE, SWITCH, BYTES = (
    ('2.5.5.12', 64), ('2.5.5.1', 127), ('2.5.5.9', 2), ('2.5.5.16', 65), ('2.5.5.8', 1),
    ('2.5.5.10', 4))
ATTRIBUTES = {                      # syntax, one value at most, link
    'msExchServerSite': (NAME, True), 'msExchInternalHostName': (TEXT, True),
    'msExchExternalHostName': (TEXT, True), 'msExchInternalAuthenticationMethods': (NUMBER, True),
    'msExchExternalAuthenticationMethods': (NUMBER, True),
    'msExchAutoDiscoverCertPrincipalName': (TEXT, True), 'msExchAutoDiscoverServer': (TEXT, True),
    'msExchAutoDiscoverTTL': (NUMBER, True), 'msExchAutoDiscoverFlags': (NUMBER, True),
    'msExchAcceptedDomainName': (TEXT, True), 'msExchAcceptedDomainFlags': (NUMBER, True),
    'msExchOABDefault': (SWITCH, True),
    'msExchHomeServerName': (TEXT, True), 'homeMDB': (NAME, True),
    'msExchMailboxGuid': (BYTES, True), 'targetAddress': (TEXT, True),
    'msExchRecipientTypeDetails': (LARGE, True), 'msExchArchiveGUID': (BYTES, True),
    'msExchArchiveName': (TEXT, False), 'msExchHideFromAddressLists': (SWITCH, True),
    'msExchDelegateListLink': (NAME, False, 29990),
    'msExchDelegateListBL': (NAME, False, 29991),
}
# The administrators may do everything, whoever has logged in may read.
READABLE = 'D:(A;;GA;;;DA)(A;;GA;;;SY)(A;;RPLCLORC;;;AU)'
OF_PEOPLE = list(ATTRIBUTES)[12:]
OF_DIRECTORIES = ['msExchInternalHostName', 'msExchExternalHostName',
                  'msExchInternalAuthenticationMethods', 'msExchExternalAuthenticationMethods']
CLASSES = {
    'msExchOrganizationContainer': [],
    'msExchExchangeServer': ['msExchServerSite', 'serialNumber', 'versionNumber', 'networkAddress'],
    'msExchVirtualDirectory': OF_DIRECTORIES,
    'msExchAutoDiscoverConfig': ['msExchAutoDiscoverCertPrincipalName', 'msExchAutoDiscoverServer',
                                 'msExchAutoDiscoverTTL', 'msExchAutoDiscoverFlags'],
    'msExchAcceptedDomain': ['msExchAcceptedDomainName', 'msExchAcceptedDomainFlags'],
    'msExchOAB': ['msExchOABDefault'],
    'msExchPrivateMDB': [],
}


def schema(suffix):
    """The stand-in as LDIF."""
    base = f'CN=Schema,CN=Configuration,{suffix}'
    attributes, classes = [], []
    for i, (name, (syntax, single, *link)) in enumerate(ATTRIBUTES.items()):
        attributes.append(
            f'dn: CN={name},{base}\nchangetype: add\nobjectClass: attributeSchema\n'
            f'lDAPDisplayName: {name}\nattributeID: {SCHEMA_OID}.1.{i + 1}\n'
            f'attributeSyntax: {syntax[0]}\noMSyntax: {syntax[1]}\n'
            f'isSingleValued: {str(single).upper()}\n'
            + ('oMObjectClass:: KwwCh3McAIVK\n' if syntax == NAME else '')
            + ''.join(f'linkID: {n}\n' for n in link))
    for i, (name, may) in enumerate(CLASSES.items()):
        classes.append(
            f'dn: CN={name},{base}\nchangetype: add\nobjectClass: classSchema\n'
            f'lDAPDisplayName: {name}\ngovernsID: {SCHEMA_OID}.2.{i + 1}\n'
            'subClassOf: top\nobjectClassCategory: 1\nrDNAttID: cn\n'
            f'defaultSecurityDescriptor: {READABLE}\n'
            f'possSuperiors: container\ndefaultObjectCategory: CN={name},{base}\n'
            + ''.join(f'mayContain: {m}\n' for m in may))
    holders = [f'dn: CN={holder},{base}\nchangetype: modify\nadd: {what}\n'
               + ''.join(f'{what}: {v}\n' for v in values)
               for holder, what, values in (
                   ('User', 'mayContain', OF_PEOPLE), ('Contact', 'mayContain', ['targetAddress']),
                   ('Container', 'possSuperiors',
                    ['msExchOrganizationContainer', 'msExchExchangeServer']))]
    now = 'dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n'
    return '\n'.join(attributes + [now] + classes + [now] + holders + [now])


def guid(text):
    """As it lies in the directory, for LDIF."""
    return base64.b64encode(uuid.UUID(text).bytes_le).decode()


def entry(dn, classes, *lines):
    """One entry of LDIF."""
    return '\n'.join([f'dn: {dn}', 'changetype: add', *(f'objectClass: {c}' for c in classes.split()),
                      *lines, ''])


def version(major, minor, build):
    """versionNumber."""
    return 0x70008000 | major << 22 | minor << 16 | build


URL_GUID = '77378F46-2C66-4aa9-A6A6-3E7A48B19596'
GROUP = 'CN=First Group,CN=Administrative Groups,CN=Harbour,CN=Microsoft Exchange,CN=Services'
ORGANIZATION = '/o=Harbour/ou=First Group'


class Organization:
    """Exchange's objects below the configuration of a forest."""

    def __init__(self, suffix):
        self.configuration = f'CN=Configuration,{suffix}'
        self.exchange = f'CN=Microsoft Exchange,CN=Services,{self.configuration}'
        self.harbour = f'CN=Harbour,{self.exchange}'
        self.group = f'{GROUP},{self.configuration}'
        self.servers = f'CN=Servers,{self.group}'
        self.entries = [
            entry(self.exchange, 'container'),
            entry(self.harbour, 'msExchOrganizationContainer'),
            entry(f'CN=Administrative Groups,{self.harbour}', 'container'),
            entry(self.group, 'container'), entry(self.servers, 'container'),
            entry(f'CN=Databases,{self.group}', 'container'),
            entry(f'CN=DB1,CN=Databases,{self.group}', 'msExchPrivateMDB')]

    def server(self, name, *lines):
        """A server, and the containers below it."""
        dn = f'CN={name},{self.servers}'
        self.entries += [entry(dn, 'msExchExchangeServer', *lines),
                         entry(f'CN=Protocols,{dn}', 'container'),
                         entry(f'CN=HTTP,CN=Protocols,{dn}', 'container'),
                         entry(f'CN=Autodiscover,CN=Protocols,{dn}', 'container')]

    def point(self, server, url, *sites):
        """Its connection point."""
        self.entries.append(entry(
            f'CN={server},CN=Autodiscover,CN=Protocols,CN={server},{self.servers}',
            'serviceConnectionPoint', 'serviceClassName: ms-Exchange-AutoDiscover-Service',
            f'serviceDNSName: {server}', *([f'serviceBindingInformation: {url}'] if url else []),
            f'keywords: {URL_GUID}', *(f'keywords: Site={s}' for s in sites)))

    def directory(self, server, name, internal=None, external=None, methods=(None, None)):
        """A virtual directory."""
        values = zip(OF_DIRECTORIES, (internal, external, *methods))
        self.entries.append(entry(
            f'CN={name},CN=HTTP,CN=Protocols,CN={server},{self.servers}', 'msExchVirtualDirectory',
            *(f'{a}: {v}' for a, v in values if v is not None)))

    def below(self, container, name, kind, *lines):
        """An object of the organization."""
        dn = f'CN={container},{self.harbour}'
        made = entry(dn, 'container')
        if made not in self.entries:
            self.entries.append(made)
        self.entries.append(entry(f'CN={name},{dn}', kind, *lines))

    def ldif(self):
        """All of it."""
        return '\n'.join(self.entries)


def harbour(suffix, pier_domain='harbour.example'):
    """Two servers of 2016 at Pier and Mole, one of 2010, and what is broken beside them."""
    o = Organization(suffix)
    site = f'CN=Sites,{o.configuration}'
    for name, place, number in (('QUAY1', 'Pier', version(15, 1, 2507)),
                                ('QUAY2', 'Mole', version(15, 1, 2507)),
                                ('OLD', 'Pier', version(14, 3, 123))):
        host = f'{name.lower()}.{pier_domain}'
        o.server(name, f'networkAddress: ncacn_vns_spp:{name}', f'networkAddress: ncacn_ip_tcp:{host}',
                 f'msExchServerSite: CN={place},{site}', f'versionNumber: {number}')
        o.point(name, f'https://{host}/Autodiscover/Autodiscover.xml', place)
        o.directory(name, 'EWS (Default Web Site)', f'https://{host}/EWS/Exchange.asmx',
                    f'https://mail.{pier_domain}/EWS/Exchange.asmx')
        o.directory(name, 'OAB (Default Web Site)', f'https://{host}/OAB')
    o.directory('QUAY1', 'EWS (Exchange Back End)', 'https://quay1:444/EWS/Exchange.asmx')
    o.directory('QUAY1', 'EWS (A second site)', 'https://second/EWS/Exchange.asmx')
    o.directory('QUAY1', 'owa (Default Web Site)', f'https://quay1.{pier_domain}/owa',
                f'https://mail.{pier_domain}/owa', (5, 5))
    o.directory('QUAY1', 'mapi (Default Web Site)', f'https://quay1.{pier_domain}/mapi',
                f'https://mail.{pier_domain}/mapi', (8194, 8194))
    o.directory('QUAY1', 'Microsoft-Server-ActiveSync (Default Web Site)', None,
                f'https://mail.{pier_domain}/Microsoft-Server-ActiveSync')
    o.directory('QUAY1', 'PowerShell (Default Web Site)', f'http://quay1.{pier_domain}/powershell')
    o.directory('QUAY1', 'Rpc (Default Web Site)', f'quay1.{pier_domain}',
                f'https://mail.{pier_domain}/rpc', (2, 1))
    o.directory('QUAY2', 'ecp (Default Web Site)', 'no URL at all')
    o.server('HALF')
    o.directory('HALF', 'EWS (Default Web Site)', 'https://half/EWS/Exchange.asmx')
    o.below('Global Settings', 'EXCH', 'msExchAutoDiscoverConfig', 'msExchAutoDiscoverTTL: 2')
    o.below('Global Settings', 'EXPR', 'msExchAutoDiscoverConfig',
            f'msExchAutoDiscoverCertPrincipalName: msstd:mail.{pier_domain}',
            'msExchAutoDiscoverFlags: 5')
    o.below('Transport Settings', pier_domain, 'msExchAcceptedDomain',
            f'msExchAcceptedDomainName: {pier_domain}', 'msExchAcceptedDomainFlags: 4')
    o.below('Transport Settings', 'Partner', 'msExchAcceptedDomain',
            'msExchAcceptedDomainName: partner.example', 'msExchAcceptedDomainFlags: 1')
    o.below('Transport Settings', 'All below', 'msExchAcceptedDomain',
            'msExchAcceptedDomainName: *.below.example')
    o.below('Transport Settings', 'Twice', 'msExchAcceptedDomain',
            'msExchAcceptedDomainName: Partner.example')
    o.below('Address Lists', 'First', 'msExchOAB')
    o.below('Address Lists', 'Default', 'msExchOAB', 'msExchOABDefault: TRUE')
    return o
