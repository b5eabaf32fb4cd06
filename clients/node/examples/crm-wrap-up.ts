// Notes the end of each call in a folder that stands for a CRM, once for each event.
//
//   node crm-wrap-up.js FOLDER [SERVER]
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { Client, type Handler, type ReleaseEvent } from '@onhook/client';

function wrapUpOf(event: ReleaseEvent): Record<string, unknown> {
  return {
    customer: event.callData ?? null,
    call: event.callSerialNo,
    agent: event.serviceNo ?? null,
    endedAt: event.releaseTime?.toISOString() ?? null,
    talkedMs: event.talkDurationMs ?? null,
    why: event.releaseReason ?? null,
  };
}

/** A handler that is done only when the wrap-up is on disk, under the event's id. */
export function wrapUpInto(folder: string): Handler {
  return async ({ event }) => {
    const path = join(folder, `${event.eventId}.json`);
    // The same event comes again after a crash: it then writes the same file once more.
    const file = await open(`${path}.new`, 'w');
    try {
      await file.writeFile(JSON.stringify(wrapUpOf(event)));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  };
}

async function main([folder, server = '127.0.0.1:50051']: string[]): Promise<void> {
  if (folder === undefined) throw new Error('usage: crm-wrap-up FOLDER [SERVER]');
  await mkdir(folder, { recursive: true });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort();
    });
  }
  await using client = new Client({ server });
  const subscription = client.subscribe('crm', wrapUpInto(folder), {
    createIfMissing: true,
    concurrency: 8,
    signal: stop.signal,
    onHandlerError: (error, { event }) => {
      console.error(event.eventId, error);
    },
  });
  await subscription.closed;
}

if (require.main === module) void main(process.argv.slice(2));
