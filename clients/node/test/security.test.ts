import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';

import { ServerCredentials } from '@grpc/grpc-js';
import { Client, type ClientOptions } from '@onhook/client';

import { readTlsMaterial, readToken } from '../src/credentials.js';
import { parseServerAddress } from '../src/server-address.js';
import { Bench } from './support.js';

const MAKES_CERTIFICATES = resolve(__dirname, '../../../../deploy/dev-certificates.sh');

let folder = '';
const file = (name: string) => join(folder, name);

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onhook-node-'));
  execFileSync(MAKES_CERTIFICATES, [folder, 'crm', 'billing'], { stdio: 'ignore' });
});
after(() => {
  rmSync(folder, { recursive: true });
});

function serverCredentials(): ServerCredentials {
  const pair = { private_key: readFileSync(file('server.key')), cert_chain: readFileSync(file('server.crt')) };
  return ServerCredentials.createSsl(readFileSync(file('ca.crt')), [pair], true);
}

/** The files of one client, which a test may change. */
function pairOf(name: string) {
  const own = { caFile: file('ca.crt'), certificateFile: file('own.crt'), keyFile: file('own.key') };
  copyFileSync(file(`${name}.crt`), own.certificateFile);
  copyFileSync(file(`${name}.key`), own.keyFile);
  return own;
}

function guarded(t: TestContext, tls: ClientOptions['tls']) {
  return Bench.of(t, { credentials: serverCredentials() }, tls === undefined ? {} : { tls });
}

test('both sides show certificates', async (t) => {
  const bench = await guarded(t, pairOf('crm'));
  bench.gateway.publish();
  assert.equal((await bench.first()).event.callSerialNo, 'call-1');
});

test('who trusts another authority, shows no certificate or speaks no TLS goes on trying, and is told why', async (t) => {
  const attempts: [string, ClientOptions['tls']][] = [
    ['shows none', { caFile: file('ca.crt') }],
    ['trusts another', { ...pairOf('crm'), caFile: file('crm.crt') }],
    ['speaks none', undefined],
    ['another name', { ...pairOf('crm'), serverName: 'elsewhere.example.org' }],
  ];
  for (const [what, tls] of attempts) {
    const bench = await guarded(t, tls);
    bench.iterate();
    await bench.states.until((states) => states.filter(({ state }) => state === 'backing_off').length === 2);
    const [, cause] = bench.states.seen;
    assert.ok(cause?.state === 'backing_off' && cause.cause.code === 'UNAVAILABLE', what);
    assert.match(cause.cause.message, /\w/, what);
  }
});

test('a certificate that changed is shown by a new connection, while the old stream lives on', async (t) => {
  const tls = pairOf('crm');
  const bench = await guarded(t, tls);
  bench.gateway.publish();
  const delivery = await bench.first();
  const old = await bench.stream(0);
  pairOf('billing');
  old.goAway('MAX_AGE');
  const renewed = await bench.stream(1);
  assert.notEqual(renewed.peer, old.peer);
  await delivery.ack();
  await bench.gateway.until(() => old.hasEnded);
  assert.equal(old.isHalfClosed, true);
});

test('half of a new pair waits for the other half', async (t) => {
  const tls = pairOf('crm');
  const bench = await guarded(t, tls);
  bench.iterate();
  const old = await bench.stream(0);
  await bench.states.until((states) => states.at(-1)?.state === 'streaming');
  copyFileSync(file('billing.crt'), tls.certificateFile);
  old.goAway('MAX_AGE');
  assert.equal((await bench.stream(1)).peer, old.peer);
});

test('a token is read again for each call', async (t) => {
  const tokenFile = file('token');
  writeFileSync(tokenFile, 'first\n');
  const bench = await Bench.of(t, {}, { tokenFile });
  bench.iterate();
  assert.equal((await bench.stream(0)).authorization, 'Bearer first');
  writeFileSync(tokenFile, 'second\n');
  bench.gateway.endStreams();
  assert.equal((await bench.stream(1)).authorization, 'Bearer second');
  rmSync(tokenFile);
  bench.gateway.endStreams();
  assert.equal((await bench.stream(2)).authorization, 'Bearer second');
});

test('who is not known is told what was shown', async (t) => {
  const tokenFile = file('wrong.token');
  writeFileSync(tokenFile, 'wrong');
  const bench = await Bench.of(t, {}, { tokenFile });
  bench.gateway.refuse({ code: 'UNAUTHENTICATED', message: 'nobody', reason: 'UNKNOWN_TOKEN' });
  const subscription = bench.iterate();
  await assert.rejects(subscription.closed, {
    code: 'UNAUTHENTICATED',
    reason: 'UNKNOWN_TOKEN',
    metadata: { shown: `the token ${tokenFile}` },
  });
});

test('who was let in before comes in again with the token that comes later', async (t) => {
  const tokenFile = file('late.token');
  writeFileSync(tokenFile, 'old');
  const bench = await Bench.of(t, {}, { tokenFile });
  bench.iterate();
  await bench.states.until((states) => states.at(-1)?.state === 'streaming');
  bench.gateway.refuse({ code: 'UNAUTHENTICATED' });
  bench.gateway.endStreams();
  await bench.states.until((states) => states.filter(({ state }) => state === 'backing_off').length === 3);
  bench.gateway.refuse(undefined);
  await bench.states.until((states) => states.at(-1)?.state === 'streaming');
});

test('a token in clear text goes to this machine only, unless that is asked for', async (t) => {
  const tokenFile = file('clear.token');
  writeFileSync(tokenFile, 'secret');
  const far = { server: '192.0.2.1:9', tokenFile };
  const bench = await Bench.of(t, {}, far);
  await assert.rejects(bench.client.getEvent('x'), { code: 'FAILED_PRECONDITION', reason: 'CLEARTEXT_TOKEN' });
  await assert.rejects(bench.iterate().closed, { reason: 'CLEARTEXT_TOKEN' });
  const allowed = await Bench.of(t, {}, { ...far, allowCleartextToken: true });
  await assert.rejects(allowed.client.getEvent('x', { timeoutMs: 10 }), (error: { code: string }) =>
    ['DEADLINE_EXCEEDED', 'UNAVAILABLE'].includes(error.code),
  );
});

test('files that cannot be used are named', () => {
  const [ca, crt, key, other] = ['ca.crt', 'crm.crt', 'crm.key', 'billing.key'].map(file) as [string, string, string, string];
  writeFileSync(file('empty'), '');
  const wrong: [string, Parameters<typeof readTlsMaterial>[0]][] = [
    ['CA_FILE', { caFile: file('missing') }],
    ['CA_FILE', { caFile: file('empty') }],
    ['CERTIFICATE_PAIR', { caFile: ca, certificateFile: crt }],
    ['CERTIFICATE_PAIR', { caFile: ca, keyFile: key }],
    ['CERTIFICATE_PAIR', { caFile: ca, certificateFile: crt, keyFile: other }],
    ['CERTIFICATE_FILE', { caFile: ca, certificateFile: file('empty'), keyFile: key }],
    ['KEY_FILE', { caFile: ca, certificateFile: crt, keyFile: file('empty') }],
  ];
  for (const [reason, options] of wrong) {
    assert.throws(() => readTlsMaterial(options), { code: 'FAILED_PRECONDITION', reason });
  }
  for (const text of ['', 'two words', 'ümlaut']) {
    writeFileSync(file('bad.token'), text);
    assert.throws(() => readToken(file('bad.token')), { reason: 'TOKEN_FILE' });
  }
});

test('an address is HOST:PORT or unix:/path, and is refused at once if it is not', () => {
  const local = ['localhost:1', '127.1.2.3:50051', '[::1]:50051', 'unix:/run/onhook.sock', 'unix:///run/onhook.sock'];
  for (const text of local) assert.equal(parseServerAddress(text).isLocal, true, text);
  for (const text of ['gateway:50051', '10.0.0.1:50051', '[fe80::1]:50051']) {
    assert.equal(parseServerAddress(text).isLocal, false, text);
  }
  const refused = ['', 'gateway', 'gateway:0', 'gateway:65536', '::1:50051', ':50051', 'unix:', 'http://gateway:50051'];
  for (const server of refused) {
    const expected = { code: 'FAILED_PRECONDITION', reason: 'SERVER_ADDRESS' };
    assert.throws(() => new Client({ server }), expected, server);
  }
  assert.throws(() => new Client({ server: 'unix:/nowhere', tls: true }), { reason: 'TLS_OVER_UNIX_SOCKET' });
});
