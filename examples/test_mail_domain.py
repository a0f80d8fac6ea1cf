#!/usr/bin/env python3
"""test_mail_domain.py FOLDER : the IMAP client at Dovecot by NTLM, which Dovecot leaves to Samba's ntlm_auth, in a domain of its own."""
import os
import sys

import dovecot_site
import harness
import samba_dc
from harness import check, equal, matches

FOLDER = os.path.abspath(sys.argv[1])
PASSWORD = 'Passw0rd.Alice'
WINBIND = '''
auth_use_winbind = yes
auth_winbind_helper_path = {helper}
service auth {{
    user = root
}}
'''


def client(site, user, password, domain='DOM'):
    env = harness.environment([], SSPI_EXAMPLE_USER=user, SSPI_EXAMPLE_DOMAIN=domain, SSPI_EXAMPLE_PASSWORD=password)
    return harness.call([os.path.join(FOLDER, 'example-imap_client'), '127.0.0.1', str(site.port), 'NTLM'], env=env)


def main():
    lacking = dovecot_site.missing()
    if lacking:
        raise harness.SkipAll(lacking)
    if not samba_dc.was_root():
        raise harness.SkipAll("beside a domain controller Dovecot's processes need to become other accounts: only root can do that")
    helper = harness.need_program('ntlm_auth', 'winbind')
    domain = samba_dc.start()
    domain.add_user('alice', PASSWORD)
    wrapped = harness.write('ntlm_auth', '#!/bin/sh\nexec %s --configfile=%s "$@"\n' % (helper, domain.configuration), 0o755)
    site = dovecot_site.Site({'alice': 'not asked for'}, 'ntlm', more=WINBIND.format(helper=wrapped))
    result = client(site, 'alice', PASSWORD)
    check((result.status, result.err) == (0, ''), 'signed in', lambda: '%s\n%s' % (result, site.log()))
    matches(r'^signed in with NTLM\n\* NAMESPACE .*\* 5 EXISTS\n', result.out, 'reads its own mailbox')
    check(site.signed_in('alice', 'NTLM'), 'Dovecot knows who', site.log)
    for what, user, password, of in (('a wrong password', 'alice', 'Passw0rd.alice', 'DOM'), ('nobody', 'nobody', PASSWORD, 'DOM'),
                                     ('another domain', 'alice', PASSWORD, 'OTHER')):
        result = client(site, user, password, of)
        equal((result.status, result.out), (1, ''), what + ' is not signed in')
        matches('the server answers NO', result.err, what + ': says the server')
    equal(client(site, 'alice', PASSWORD).status, 0, 'after all that alice signs in')
    site.process.stop()
    domain.stop()


harness.run(main)
