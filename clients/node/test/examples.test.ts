import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { handle, makeEvent } from '@onhook/client/testing';

import { wrapUpInto } from '../examples/crm-wrap-up.js';
import { recordingsFrom } from '../examples/recording-fetch.js';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'onhook-example-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

test('the wrap-up of an event that comes twice is there once', async (t) => {
  const folder = folderOf(t);
  const event = makeEvent({ callData: 'customer 7', talkDurationMs: 6000, releaseReason: 'CALLED_HUNG_UP' });
  for (const attempt of [1, 2]) {
    assert.equal((await handle(wrapUpInto(folder), event, { attempt })).action, 'ack');
  }
  assert.deepEqual(readdirSync(folder), [`${event.eventId}.json`]);
  const wrapUp = JSON.parse(readFileSync(join(folder, `${event.eventId}.json`), 'utf8')) as unknown;
  assert.deepEqual(wrapUp, {
    customer: 'customer 7',
    call: 'call-1',
    agent: null,
    endedAt: null,
    talkedMs: 6000,
    why: 'CALLED_HUNG_UP',
  });
});

test('a wrap-up that cannot be written is tried again', async (t) => {
  const outcome = await handle(wrapUpInto(join(folderOf(t), 'missing')));
  assert.equal(outcome.action, 'retry');
  assert.match(outcome.reason, /ENOENT/);
});

test('a recording is fetched, retried or parked as the media server answers', async (t) => {
  const folder = folderOf(t);
  const media = createServer((request, response) => {
    const status = Number(request.url?.slice(1));
    response.writeHead(status, status === 503 ? { 'retry-after': '7' } : {}).end('sound');
  });
  await new Promise<void>((resolve) => media.listen(0, '127.0.0.1', resolve));
  t.after(() => media.close());
  const { port } = media.address() as AddressInfo;
  const fetches = recordingsFrom(`http://127.0.0.1:${String(port)}/`, folder);
  const outcome = (recordfile: string) => handle(fetches, { recordfile });

  assert.equal((await outcome('/200')).action, 'ack');
  const [name] = readdirSync(folder);
  assert.equal(readFileSync(join(folder, name ?? ''), 'utf8'), 'sound');
  const gone = await outcome('/404');
  assert.deepEqual([gone.action, gone.reason], ['park', 'the media server answers 404']);
  const busy = await outcome('/503');
  assert.deepEqual([busy.action, busy.delayMs], ['retry', 7000]);
  assert.equal((await outcome('/429')).action, 'retry');
  assert.equal((await handle(fetches)).action, 'skip');
  media.closeAllConnections();
  media.close();
  assert.equal((await outcome('/200')).action, 'retry');
});
