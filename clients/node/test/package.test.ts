import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { after, before } from 'node:test';

import { VERSION } from '@onhook/client';

const ROOT = resolve(__dirname, '../..');
const MODULES = join(ROOT, 'node_modules');

/** The TypeScript of the README, block by block. */
const README = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
  ([, code]) => code ?? '',
);

// What a program does with it, of either kind of module.
const USES = `
  const event = makeEvent({ callSerialNo: 'c-1' });
  const handler = (delivery: Delivery) => delivery.park(delivery.event.callSerialNo);
  const outcome = await handle(handler, event);
  const client = new Client();
  const again: Promise<void> = client.close();
  await again;
  console.log(outcome.action, outcome.reason, new GapError({ code: 'OUT_OF_RANGE', message: '' }) instanceof OnhookError);
`;

let folder = '';

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: 'utf8' });
}

/** Puts a package of node_modules beside the one under test. */
function borrow(name: string): void {
  mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
  symlinkSync(join(MODULES, name), join(folder, 'node_modules', name));
}

// As somebody has it who installed the packed package.
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'onhook-package-'));
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const installed = join(folder, 'node_modules/@onhook/client');
  mkdirSync(installed, { recursive: true });
  run('tar', '--extract', '--strip-components=1', `--directory=${installed}`, `--file=${packed.trim()}`);
  for (const name of ['@grpc/grpc-js', '@bufbuild/protobuf', '@types/node']) borrow(name);
  const imports = `
    import { Client, type Delivery, GapError, OnhookError } from '@onhook/client';
    import { handle, makeEvent } from '@onhook/client/testing';`;
  writeFileSync(join(folder, 'module.mts'), `${imports}\n${USES}`);
  writeFileSync(join(folder, 'common.cts'), `${imports}\nvoid (async () => {${USES}})();`);
  README.forEach((code, index) => {
    writeFileSync(join(folder, `readme-${String(index)}.mts`), code);
  });
});
after(() => {
  rmSync(folder, { recursive: true });
});

test('the packed package can be required and imported, and both are the same', () => {
  writeFileSync(
    join(folder, 'both.mjs'),
    `import { createRequire } from 'node:module';
     import * as imported from '@onhook/client';
     import * as testing from '@onhook/client/testing';
     const require = createRequire(import.meta.url);
     const required = require('@onhook/client');
     console.log(required.Client === imported.Client, typeof imported.protobuf.ReleaseEvent.decode,
       require('@onhook/client/testing').FakeGateway === testing.FakeGateway, imported.VERSION);`,
  );
  assert.equal(run(process.execPath, 'both.mjs'), `true function true ${VERSION}\n`);
});

test('the types of the packed package are there for either kind of module, and for the README', () => {
  assert.ok(README.length > 3);
  const options = ['--strict', '--target', 'es2022', '--module', 'node16', '--types', 'node'];
  const files = ['module.mts', 'common.cts', ...README.keys()].map((file) =>
    typeof file === 'string' ? file : `readme-${String(file)}.mts`,
  );
  run(process.execPath, join(MODULES, 'typescript/bin/tsc'), ...options, ...files);
  for (const file of ['module.mjs', 'common.cjs']) {
    assert.equal(run(process.execPath, file), 'park c-1 true\n', file);
  }
});

test('what the README says of testing is so', () => {
  const index = README.findIndex((code) => code.includes('FakeGateway.start'));
  run(process.execPath, `readme-${String(index)}.mjs`);
});

test('the version is the one of package.json', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  assert.equal(VERSION, version);
});
