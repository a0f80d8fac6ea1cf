"""samba_provision.py FOLDER REALM DOMAIN HOST: a new Active Directory domain, from FOLDER/smb.conf.

Run by samba_dc.py with the Python that Samba's modules belong to.  `samba-tool domain provision` would also give the
share sysvol its access lists, for which it needs to own other people's files; nothing here reads that share.
The administrator's password is SAMBA_PASSWORD.
"""
import logging
import os
import sys

from samba.auth import system_session
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.param import LoadParm
from samba.provision import provision


def main(folder, realm, domain, host):
    configuration = os.path.join(folder, 'smb.conf')
    parameters = LoadParm()
    parameters.load(configuration)
    provision(logging.getLogger('provision'), system_session(), smbconf=configuration, lp=parameters, realm=realm,
              domain=domain, hostname=host, hostip='127.0.0.1', serverrole='active directory domain controller',
              adminpass=os.environ['SAMBA_PASSWORD'], dns_backend='NONE', dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2,
              skip_sysvolacl=True, backend_store='tdb')


main(*sys.argv[1:])
