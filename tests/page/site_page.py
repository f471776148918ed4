"""The domains whose page the tests look at, and a usherd that serves them."""
from support import programs
from support.certificates import Authority
from support.daemon import Usherd

HOST = 'mail.fabrikam.example'


def make(folder):
    """Makes the directory: fabrikam.example with mail servers, contoso.com with Exchange."""
    def usher(*arguments):
        programs.usher_ok(*arguments, directory=f'sqlite:{folder}/usher.db')

    def service(kind, *arguments):
        usher('service', 'add', 'fabrikam.example', kind, *arguments)

    usher('setup', '--domain', 'contoso.com', '--host', 'cas01.contoso.com')
    usher('domain', 'set', 'contoso.com', '--display-name', 'Contoso')
    usher('url', 'set', 'activesync', '--external',
          'https://phone.contoso.com/Microsoft-Server-ActiveSync')
    usher('mailbox', 'add', 'nora@contoso.com', '--display-name', 'Nora Lind')
    usher('domain', 'add', 'fabrikam.example', '--kind', 'mail', '--display-name', 'Fabrikam & Söhne',
          '--host-names', HOST, '--home-page', 'https://www.fabrikam.example/',
          '--contact', 'help@fabrikam.example')
    service('imap', '--host', 'imap.fabrikam.example', '--port', '993', '--socket', 'tls')
    service('pop3', '--host', 'pop.fabrikam.example', '--port', '995', '--socket', 'tls')
    service('smtp', '--host', 'smtp.fabrikam.example', '--port', '587', '--socket', 'starttls',
            '--user-name', '%u')
    service('caldav', '--url', 'https://dav.fabrikam.example/calendars/')
    service('carddav', '--url', 'https://dav.fabrikam.example/contacts/')
    service('files', '--url', 'https://files.fabrikam.example/', '--user-name', '%u')
    service('webmail', '--url', 'https://webmail.fabrikam.example/')
    usher('ca', 'init', '--name', 'Fabrikam Root', '--no-passphrase')
    usher('domain', 'add', 'alias.example', '--kind', 'alias', '--alias-of', 'fabrikam.example')
    usher('domain', 'add', 'moved.example', '--kind', 'redirect-address', '--redirect-domain',
          'fabrikam.example')
    usher('domain', 'add', 'elsewhere.example', '--kind', 'redirect-url', '--redirect-url',
          'https://far.example/autodiscover/autodiscover.xml')
    usher('domain', 'add', 'bare.example', '--kind', 'mail')
    usher('domain', 'add', 'half.example', '--kind', 'mail')
    usher('service', 'add', 'half.example', 'imap', '--host', 'mail.half.example', '--port', '143',
          '--socket', 'plain')


def serve(folder, **options):
    """(daemon, root): usherd with a certificate of its own authority, not yet started."""
    authority = Authority(folder)
    chain, key = authority.issue(HOST, 'autodiscover.contoso.com', 'autodiscover.fabrikam.example')
    return Usherd(folder, certificate=chain, key=key, **options), authority.root
