"""What tests/support/pki.py makes for tests of chains and of revocation: paths that go wrong in one way each.

    subca  permitted  excluded  clientca  oldca  policyca  revokedca        CAs below intermediate (subca) or root
    toodeep     issued by subca, which intermediate's pathlen:0 forbids
    outside     issued by permitted, which may issue for example.org alone
    barred      issued by excluded, which may not issue for example.com
    byclientca  for servers, by a CA that is for clients
    byoldca     by a CA that has expired
    nopolicy    by a CA that requires a policy, and has none
    byrevokedca by a CA that root.crl.pem lists
    bynotca     issued by server-p256, which is no CA
    criticalext an unknown critical extension
    anyusage  nousage    anyExtendedKeyUsage, and no extended key usage at all
    weak  smallkey       signed with SHA-1; RSA of 768 bits
    withcdp  withocsp    name a CRL, and a responder
    impostor    a CA of another key under intermediate's name; impostor.crl.pem is its CRL

    good256.ocsp       for server-p256, with SHA-256 in the certificate's identifier
    delegated.ocsp     by ocspsigner, a certificate of intermediate's for OCSP signing
    unauthorised.ocsp  by server-p384, which intermediate issued too, but not for that
    foreign.ocsp       by stranger
    endless.ocsp       without nextUpdate
    unknown.ocsp       of a responder that does not know server-p256
"""
SMALL = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:768']


def responses(pki):
    pki.leaf('ocspsigner', usage='OCSPSigning', names=None)

    def respond(response, signer, *options, index='intermediate', digest=()):
        pki.run('ocsp', *digest, '-issuer', 'intermediate.pem', '-cert', 'server-p256.pem', '-reqout', response + '.req')
        pki.run('ocsp', '-index', index + '.index', '-CA', 'intermediate.pem', '-rsigner', signer + '.pem',
                '-rkey', signer + '.key', '-reqin', response + '.req', '-respout', response, *options)

    always = ('-ndays', '30000')
    respond('good256.ocsp', 'intermediate', *always, digest=('-sha256',))
    respond('delegated.ocsp', 'ocspsigner', *always)
    respond('unauthorised.ocsp', 'server-p384', *always)
    respond('foreign.ocsp', 'stranger', *always)
    respond('endless.ocsp', 'intermediate')
    respond('unknown.ocsp', 'intermediate', *always, index='stranger')


def chains(pki):
    pki.ca('subca', 'intermediate')
    pki.ca('permitted', 'root', extra=['nameConstraints=critical,permitted;DNS:example.org'])
    pki.ca('excluded', 'root', extra=['nameConstraints=critical,excluded;DNS:example.com'])
    pki.ca('clientca', 'root', extra=['extendedKeyUsage=clientAuth'])
    pki.ca('oldca', 'root', dates=('20200101000000Z', '20210101000000Z'))
    pki.ca('policyca', 'root', extra=['policyConstraints=critical,requireExplicitPolicy:0'])
    pki.ca('revokedca', 'root')
    pki._prepare_ca('server-p256')
    for name, issuer in (('toodeep', 'subca'), ('outside', 'permitted'), ('barred', 'excluded'),
                         ('byclientca', 'clientca'), ('byoldca', 'oldca'), ('nopolicy', 'policyca'),
                         ('byrevokedca', 'revokedca'), ('bynotca', 'server-p256')):
        pki.leaf(name, issuer=issuer)
    pki.leaf('criticalext', extra=['1.2.3.4.5=critical,ASN1:UTF8String:unknown'])
    pki.leaf('anyusage', usage='anyExtendedKeyUsage')
    pki.leaf('nousage', usage=None)
    pki.leaf('weak', digest='sha1')
    pki.leaf('smallkey', kind=SMALL)
    pki.leaf('withcdp', extra=['crlDistributionPoints=URI:http://127.0.0.1:1/list.crl'])
    pki.leaf('withocsp', extra=['authorityInfoAccess=OCSP;URI:http://127.0.0.1:1/'])
    pki.ca('impostor', subject='/C=DE/O=OpenSSPI tests/CN=Test CA intermediate')
    pki.crl('impostor')
    pki.revoke('revokedca', issuer='root', reason='cACompromise')
    pki.crl('root')
    responses(pki)
