#!/usr/bin/env python3
"""decode.py SSPI: the published messages of MS-NLMP 4.2 and captured exchanges, explained and verified."""
import base64
import json
import os
import re
import sys

import harness
import relay
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])
SOURCE = os.environ.get('SSPI_SOURCE', os.path.join(os.path.dirname(__file__), '../..'))


def records(path):
    """The exchanges of a vector file: [id], then name:type=value lines."""
    found, record = {}, None
    with open(path, encoding='utf-8') as file:
        for line in file:
            line = line.rstrip('\n')
            if line.startswith('['):
                record = found.setdefault(line[1:-1], {})
            elif line and not line.startswith('#'):
                name, value = line.split('=', 1)
                record[name.rsplit(':', 1)[0]] = value
    return {name: record for name, record in found.items() if record.get('type') == 'ntlm_exchange'}


def decode(*arguments, given=None, password=None):
    more = {} if password is None else {'SSPI_PASSWORD': password}
    return harness.call([SSPI, 'decode', *arguments], env=harness.environment(**more), given=given)


def facts(*arguments, given=None, password=None):
    result = decode('--json', *arguments, given=given, password=password)
    try:
        return json.loads(result.out)
    except ValueError:
        raise RuntimeError('not JSON: %s' % result) from None


def b64(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


def published(vectors):
    """What MS-NLMP 4.2.4.3 prints beside its bytes."""
    record = vectors['nlmp-4.2.4-messages']
    out = facts(record['challenge'], record['authenticate'], password='Password')
    challenge, authenticate = (leg['token'] for leg in out['exchange'])
    equal([leg['direction'] for leg in out['exchange']], ['server to client', 'client to server'], 'directions')
    equal(challenge['server_challenge'], '0123456789abcdef', '4.2.4: ServerChallenge')
    equal(challenge['target_name'], 'Server', '4.2.4: TargetName')
    equal(challenge['flags'], '0xe28a8233', '4.2.4: NegotiateFlags')
    equal(challenge['target_information'], {'netbios_domain': 'Domain', 'netbios_computer': 'Server'}, '4.2.4: AV pairs')
    equal((authenticate['domain'], authenticate['user'], authenticate['workstation']), ('Domain', 'User', 'COMPUTER'),
          '4.2.4: names')
    equal(authenticate['ntlmv2']['proof'], record['nt_proof'], '4.2.4: NTProofStr')
    equal(authenticate['ntlmv2']['client_challenge'], 'a' * 16, '4.2.4: client challenge')
    equal(authenticate['lm_response'], '86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa', '4.2.4: LMv2 response')
    equal(authenticate['encrypted_session_key'], 'c5dad2544fc9799094ce1ce90bc9d03e', '4.2.4: EncryptedRandomSessionKey')
    equal(authenticate['mic'], 'none', '4.2.4: there is no MIC')
    for name in ('KEY_EXCH', '128', 'SEAL', 'SIGN', 'UNICODE', 'VERSION', 'TARGET_INFO'):
        check(name in authenticate['flag_names'], '4.2.4: flag ' + name, str(authenticate['flag_names']))
    equal(out['verified']['proof_right'], True, '4.2.4: the password is right')
    for section, kind in (('nlmp-4.2.2-messages', 'NTLMv1'), ('nlmp-4.2.3-messages', 'NTLMv1 with extended session security')):
        record = vectors[section]
        out = facts(record['challenge'], record['authenticate'], password='Password')
        token = out['exchange'][1]['token']
        equal(token['response'], kind, section + ': kind of response')
        check(any('NTLMv1' in odd for odd in token['odd']), section + ': NTLMv1 is remarked on', str(token['odd']))
        equal(out['verified']['proof_right'], True, section + ': the password is right')


def exchanges(vectors):
    for name, record in vectors.items():
        if 'challenge' not in record or 'authenticate' not in record or 'password' not in record:
            continue
        tokens = [record[part] for part in ('negotiate', 'challenge', 'authenticate') if record.get(part)]
        out = facts(*tokens, password=record['password'])
        verified = out.get('verified', {})
        check(verified.get('proof_right') is True, name + ': proof', str(verified))
        if len(tokens) == 3 and record.get('mic_offset', '0') != '0':
            check(verified.get('mic_right') is True, name + ': MIC', str(verified))
            equal(out['exchange'][-1]['token']['mic_offset'], int(record['mic_offset']), name + ': place of the MIC')
        token = out['exchange'][-1]['token']
        equal((token['user'], token['domain']), (record['user'], record['domain']), name + ': who')
        wrong = decode(*tokens, password='something else')
        equal(wrong.status, 3, name + ': another password is not right')


def changed(vectors):
    """Whatever is changed on the way shows."""
    record = vectors['gssntlmssp-1.2.0-local-spnego']
    tokens = [record[part] for part in ('negotiate', 'challenge', 'authenticate')]
    negotiate = bytearray.fromhex(tokens[0])
    negotiate[12] ^= 0x20
    result = decode(negotiate.hex(), *tokens[1:], password=record['password'])
    equal(result.status, 3, 'a changed NEGOTIATE breaks the MIC')
    matches(r'mic +WRONG', result.out, 'and the text says so')
    equal(decode(*tokens, password=record['password']).status, 0, 'unchanged it is right')


def spnego():
    """A captured exchange in SPNEGO: taken apart, and checked against the password of the NTLM in it."""
    tokens, token = [], re.compile(r'^token:x=(\S+)')
    with open(os.path.join(SOURCE, 'tests/vectors/spnego.kv'), encoding='utf-8') as file:
        for part in file.read().split('\n\n'):
            if part.startswith('[local-mit120-gssntlmssp-'):
                tokens += [match[1] for match in map(token.match, part.split('\n')) if match]
    out = facts(*tokens, password='S3cret-Pa55')
    equal([leg['token']['message'] for leg in out['exchange']],
          ['NegTokenInit: NEGOTIATE', 'NegTokenResp: CHALLENGE', 'NegTokenResp: AUTHENTICATE', 'NegTokenResp'], 'SPNEGO is taken apart')
    equal([leg['direction'] for leg in out['exchange']],
          ['client to server', 'server to client', 'client to server', 'server to client'], 'and who said it')
    equal(decode(*tokens, password='S3cret-Pa55').status, 0, 'the password of the exchange inside')
    equal(decode(*tokens, password='wrong').status, 3, 'and a wrong one')
    right = facts(*tokens, password='S3cret-Pa55')['verified']
    equal((right['client_mech_list_mic_right'], right['server_mech_list_mic_right']), (True, True), 'the mechListMICs of MIT and gss-ntlmssp')
    for at, side in ((2, 'client'), (3, 'server')):
        for byte in 0, 4, 12:
            altered = [bytes.fromhex(token) for token in tokens]
            altered[at] = relay.flip_mic(byte)(altered[at])
            result = decode(*[token.hex() for token in altered], password='S3cret-Pa55')
            equal(result.status, 3, 'an altered mechListMIC of the %s (byte %d)' % (side, byte))
            matches(r'%s mech list mic +WRONG' % side, result.out, 'and the text says so')
    other = tokens[0].replace('300c060a2b06010401823702020a', '300c060a2b06010401823702020b')
    result = facts(other, *tokens[1:], password='S3cret-Pa55')['verified']
    equal((result['client_mech_list_mic_right'], result['server_mech_list_mic_right']), (False, False), 'an altered list')
    result = decode('a1073005a0030a0107')
    matches(r'error +\S+', result.out, 'a broken one: the text says what is wrong')
    for name, text in (('a reject', 'a1073005a0030a0102'), ('a broken one', 'a1073005a0030a0107')):
        out = facts(text)
        check(out['exchange'][0]['token']['message'] in ('NegTokenResp', 'broken NegotiationToken'), name, str(out))


def forms(vectors):
    record = vectors['nlmp-4.2.4-messages']
    challenge = record['challenge']
    ways = {
        'hexadecimal': ([challenge], None),
        'spaced upper-case hexadecimal': ([' '.join(challenge[i:i + 2].upper() for i in range(0, len(challenge), 2))], None),
        '0x': (['0x' + challenge], None),
        'base64': ([b64(challenge)], None),
        'base64 without padding': ([b64(challenge).rstrip('=')], None),
        'a header line': (['WWW-Authenticate: NTLM ' + b64(challenge)], None),
        'a header of another case': (['www-authenticate: ntlm ' + b64(challenge)], None),
        'scheme and token': (['Negotiate ' + b64(challenge)], None),
        'bytes on standard input': ([], bytes.fromhex(challenge)),
        'base64 in many lines': (['-'], re.sub('(.{40})', r'\1\n', b64(challenge))),
        'a log of curl': ([], '> GET / HTTP/1.1\r\n> Host: x\r\n< HTTP/1.1 401 Unauthorized\r\n< WWW-Authenticate: NTLM %s\r\n'
                              '< WWW-Authenticate: Basic realm="x"\r\n' % b64(challenge)),
    }
    for way, (arguments, given) in ways.items():
        out = facts(*arguments, given=given)
        equal([leg['token']['message'] for leg in out['exchange']], ['CHALLENGE'], 'understood: ' + way)
    log = '> Authorization: NTLM %s\n< WWW-Authenticate: NTLM %s\n> Authorization: NTLM %s\n' % tuple(
        b64(vectors['gssntlmssp-1.2.0-local'][part]) for part in ('negotiate', 'challenge', 'authenticate'))
    result = decode(given=log)
    equal(result.status, 0, 'three messages from a log')
    matches('NEGOTIATE.*CHALLENGE.*AUTHENTICATE', result.out, 'drawn in order')


def long_log(vectors):
    line = '< WWW-Authenticate: NTLM %s\n' % b64(vectors['nlmp-4.2.4-messages']['challenge'])
    result = decode('--json', given=line * 100)
    equal((result.status, len(json.loads(result.out)['exchange'])), (0, 64), 'a log of a hundred tokens: the first of them')
    equal(len(result.err.splitlines()), 1, 'and one line that says so')


def nonsense():
    for text in ('', 'hello', 'TlRMTVNTUA', '4e544c4d', 'Authorization: Basic dXNlcjpwYXNz', '\0\1\2', 'NTLM'):
        result = decode(given=text)
        equal(result.status, 7, 'no token in %r' % text)
    whole = bytes.fromhex('4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef')
    for size in range(12, len(whole)):
        result = decode('--json', given=whole[:size])
        if result.status != 0 or 'error' not in json.loads(result.out)['exchange'][0]['token']:
            check(False, 'a message cut at %d is explained as broken' % size, str(result))
            return
    check(True, 'a message cut anywhere is explained as broken')
    escape = '4e544c4d53535000020000000c000c0038000000' + '058289a2' + '11' * 8 + '00' * 8 + '0000000000000000' + '0' * 16
    escape += '\x1b]0;x\x07'.encode('utf-16-le').hex()
    result = decode(escape)
    check('\x1b' not in result.out and '\x07' not in result.out, 'a name cannot steer the terminal', repr(result.out))
    check('\x1b' not in decode('--json', escape).out, 'nor JSON')


def page(vectors):
    record = vectors['gssntlmssp-1.2.0-local']
    result = decode('--html', *[record[part] for part in ('negotiate', 'challenge', 'authenticate')])
    equal(result.status, 0, '--html')
    check(result.out.startswith('<!DOCTYPE html>') and result.out.rstrip().endswith('</html>'), 'a whole page')
    check(not re.search(r'(src|href)=|<script|@import|url\(', result.out), 'that needs nothing but itself')
    message = bytes.fromhex(vectors['nlmp-4.2.4-messages']['challenge'])
    evil = message.replace('Server'.encode('utf-16-le'), '<b>&\'"'.encode('utf-16-le'))
    text = decode('--html', evil.hex()).out
    check('<b>&' not in text and '&lt;b&gt;&amp;' in text, 'names are escaped', text[-3000:])


def digest():
    """RFC 7616 3.9.1's exchange in SHA-256, as a log would have it."""
    log = ('< WWW-Authenticate: Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
           'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"\n'
           '> Authorization: Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
           'algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
           'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
           'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", '
           'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"\n')
    result = decode('-', given=log)
    matches(r'Digest challenge.*Digest response \(HTTP\).*Mufasa', result.out, 'Digest: both headers of a log')
    result = decode('--password', '-', given=log, password='Circle of Life')
    check(result.status == 0 and 'right: this password made it' in result.out, 'Digest: the password made it', str(result))
    result = decode('--password', '-', given=log, password='Circle of life')
    equal(result.status, 3, 'Digest: another password did not')
    hidden = ('Authorization: Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", '
              'realm="api@example.org", uri="/doe.json", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", '
              'nc=00000001, cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", qop=auth, '
              'response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5", userhash=true')  # 3.9.2, erratum 4897
    result = decode('--password', '--user', 'J\u00e4s\u00f8n Doe', hidden, password='Secret, or not?')
    check(result.status == 0 and 'right: this password made it' in result.out, 'Digest: a hidden name', str(result))
    result = decode('--password', hidden, password='Secret, or not?')
    equal(result.status, 3, 'Digest: which nobody can guess')
    sasl = ('charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,'
            'cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",'
            'response=d388dad90d4bbd760a152321f2143af7,qop=auth')
    result = decode('--password', sasl, password='secret')  # RFC 2831 4
    check(result.status == 0 and 'SASL DIGEST-MD5' in result.out, 'Digest: a SASL response alone', str(result))


def credssp():
    """The sealed smart card of MS-CSSP 4, and an exchange that pyspnego's and sspi-rs' tests have, where the vectors are."""
    with open(os.path.join(SOURCE, 'tests/vectors/credssp.kv'), encoding='utf-8') as file:
        card = re.search(r'\[ms-cssp-4-smartcard\].*?token:x=([0-9a-f]+)', file.read(), re.S).group(1)
    out = facts(card)['exchange'][0]['token']
    equal((out['message'], out['reader'], out['container']),
          ('TSCredentials', 'OMNIKEY CardMan 3x21 0', 'le-MSSmartcardUser-8bda019f-1266--53268'), "MS-CSSP 4: the smart card")
    check('bbbbbbbbbbbb' not in json.dumps(out) and '6200620062' not in json.dumps(out), 'and not its PIN')
    # 30 L { version 6, errorCode C000006D }, version 4 with a pubKeyAuth of two bytes: by hand, from MS-CSSP 2.2.1
    out = facts('300da003020106a4060204c000006d')['exchange'][0]
    equal((out['direction'], out['token']['error_code']), ('server to client', '0xc000006d STATUS_LOGON_FAILURE'), 'an errorCode')
    out = facts('300ba003020104a30404020102')['exchange'][0]['token']
    matches('CVE-2018-0886', json.dumps(out['odd']), 'an old version is odd')
    equal(facts('300ba003020101a30404020102')['exchange'][0]['token']['message'], 'broken TSRequest', 'a version there never was')
    path = os.path.join(os.environ.get('SSPI_VECTORS', os.path.join(SOURCE, '../shared/vectors')), 'credssp.kv')
    if not os.path.exists(path):
        harness.skip('a published exchange', 'the published vectors are not there (SSPI_VECTORS)')
        return
    with open(path, encoding='utf-8') as file:
        tokens = re.findall(r'\[sspi-rs-ntlm-[1-5]-phase-ts-request\].*?token:x=([0-9a-f]+)', file.read(), re.S)
    out = facts(*tokens, password='1')
    equal([leg['token']['message'] for leg in out['exchange']],
          ['TSRequest: NEGOTIATE', 'TSRequest: CHALLENGE', 'TSRequest: AUTHENTICATE, pubKeyAuth', 'TSRequest, pubKeyAuth',
           'TSRequest, authInfo'], 'a published exchange, message by message')
    check(out['verified'].get('proof_right') is True and out['verified'].get('mic_right') is True, 'its password is right, and its MIC', str(out))


def main():
    vectors = records(os.path.join(SOURCE, 'tests/vectors/ntlm_exchanges.kv'))
    published(vectors)
    exchanges(vectors)
    changed(vectors)
    forms(vectors)
    spnego()
    digest()
    credssp()
    long_log(vectors)
    nonsense()
    page(vectors)
    more = os.path.join(os.environ.get('SSPI_VECTORS', os.path.join(SOURCE, '../shared/vectors')), 'ntlm_exchanges.kv')
    if os.path.exists(more):
        harness.note('captures of other programs: ' + more)
        exchanges({name: record for name, record in records(more).items() if name not in vectors})
    else:
        harness.skip('captures of other programs', 'SSPI_VECTORS names no directory with ntlm_exchanges.kv')


harness.run(main)
