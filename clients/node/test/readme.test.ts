import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';

import { FakeGateway } from '@onhook/client/testing';

const README = readFileSync(resolve(__dirname, '../../README.md'), 'utf8');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`the consumer at the head of the README receives, acknowledges and stops on ${signal}`, async (t) => {
    const [, program] = /```js\n(.*?)```/s.exec(README) ?? [];
    assert.ok(program);
    // Below the package, so that it finds it by its name.
    const folder = mkdtempSync(join(__dirname, 'readme-'));
    writeFileSync(join(folder, 'consumer.mjs'), program);
    const gateway = await FakeGateway.start();
    t.after(async () => {
      await gateway.close();
      rmSync(folder, { recursive: true });
    });
    const event = gateway.publish({ callData: 'customer 7' });
    const consumer = spawn(process.execPath, [join(folder, 'consumer.mjs')], {
      env: { ...process.env, ONHOOK_SERVER: gateway.server },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolveEnd) => consumer.once('exit', resolveEnd));
    for await (const line of createInterface(consumer.stdout)) {
      assert.equal(line, `${event.eventId} customer 7`);
      break;
    }
    assert.equal((await gateway.settled(event)).action, 'ack');
    consumer.kill(signal);
    assert.equal(await ended, 0);
  });
}
