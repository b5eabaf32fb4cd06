import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';

import { FakeGateway } from '@onhook/client/testing';

import { Bench } from './support.js';

/** What a program without hooks writes on stderr; its `client` waits for next to nothing. */
async function warningsOf(server: string, program: string): Promise<string> {
  const text = `
    const { Client } = require(${JSON.stringify(require.resolve('@onhook/client'))});
    const client = new Client({ server: '${server}', reconnect: { initialMs: 1, maxMs: 4 } });
    ${program}`;
  const { stderr } = await promisify(execFile)(process.execPath, ['-e', text]);
  return stderr;
}

/** An address of this machine where nobody listens. */
async function addressOfNobody(): Promise<string> {
  const gateway = await FakeGateway.start();
  await gateway.close();
  return gateway.server;
}

test('what a handler throws is a warning with its stack, each time', async (t) => {
  const bench = await Bench.of(t);
  const { eventId } = bench.gateway.publish();
  const stderr = await warningsOf(
    bench.gateway.server,
    `function writesDown() { throw new Error('the disk is full'); }
    client.subscribe('crm', async ({ attempt }) => {
      if (attempt < 3) writesDown();
      setImmediate(() => client.close());
    });`,
  );
  const words = `the handler of event ${eventId} threw, which gave it back: the disk is full`;
  const once = `[ONHOOK_HANDLER_THREW] OnhookWarning: ${words}\nError: the disk is full\n    at writesDown (`;
  assert.equal(stderr.split(once).length - 1, 2, stderr);
});

test('a handler that throws after it has settled is a warning too', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const stderr = await warningsOf(
    bench.gateway.server,
    `client.subscribe('crm', async (delivery) => {
      await delivery.park('no');
      setImmediate(() => client.close());
      throw Object.create(null);
    });`,
  );
  assert.match(stderr, /threw, after it had settled it: the handler threw something that says nothing\n/);
});

for (const [who, begin] of [
  ["the subscription 'crm'", `client.subscribe('crm', () => undefined)`],
  ['a watch', 'client.watch()'],
] as const) {
  test(`${who}: that nobody is at the address is one warning, with the address and the cause`, async () => {
    const server = await addressOfNobody();
    const stderr = await warningsOf(
      server,
      `const it = ${begin};
      let waits = 0;
      let before;
      // Looks on without a hook, which would be told instead.
      const look = setInterval(() => {
        if (it.state !== before && it.state.state === 'backing_off') waits += 1;
        before = it.state;
        if (waits < 3) return;
        clearInterval(look);
        client.close();
      });`,
    );
    const [only = '', ...more] = stderr.split('\n').filter((line) => line.includes('OnhookWarning'));
    assert.deepEqual(more, []);
    assert.ok(only.includes(`${who} has no stream from ${server} and goes on trying: UNAVAILABLE: `), stderr);
    assert.match(only, /ECONNREFUSED/);
    assert.doesNotMatch(only, /Resolution note/);
  });
}

test('after a stream there was, the next loss is a warning again', async (t) => {
  const bench = await Bench.of(t);
  const ended = warningsOf(
    bench.gateway.server,
    `const subscription = client.subscribe('crm', () => { client.close(); });`,
  );
  (await bench.stream(0)).end({ code: 'INTERNAL', message: 'once' });
  (await bench.stream(1)).end({ code: 'INTERNAL', message: 'twice' });
  await bench.stream(2);
  bench.gateway.publish();
  const stderr = await ended;
  assert.match(stderr, /goes on trying: INTERNAL: once\n/);
  assert.match(stderr, /goes on trying: INTERNAL: twice\n/);
});

test('who has given hooks is told by them alone', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const ended = warningsOf(
    bench.gateway.server,
    `client.subscribe('crm', ({ attempt }) => {
      if (attempt === 1) throw new Error('told');
      client.close();
    }, { onState() {}, onHandlerError() {} });`,
  );
  assert.equal(await ended, '');
});
