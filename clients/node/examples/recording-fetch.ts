// Fetches the recording of each call from the vendor's media server.
//
//   node recording-fetch.js FOLDER MEDIA-URL [SERVER]
import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Client, type Handler } from '@onhook/client';

// What asking again does not mend: the recording is not there, or the request is wrong.
function isPermanent(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** A handler that is done when the recording is there; where that cannot be, a person is to look. */
export function recordingsFrom(mediaUrl: string, folder: string): Handler {
  return async (delivery) => {
    const { event, signal } = delivery;
    if (event.recordfile === undefined) {
      await delivery.skip('a call without a recording');
      return;
    }
    const url = new URL(event.recordfile.replace(/^\/+/, ''), mediaUrl);
    // A request that fails on its way throws, which gives the event back.
    const response = await fetch(url, { signal });
    if (isPermanent(response.status)) {
      await delivery.park(`the media server answers ${String(response.status)}`);
      return;
    }
    if (!response.ok || response.body === null) {
      const seconds = Number(response.headers.get('retry-after') ?? 30);
      const reason = `the media server answers ${String(response.status)}`;
      await delivery.retry({ delayMs: seconds * 1000, reason });
      return;
    }
    const path = join(folder, event.eventId);
    // A large one takes longer than any deadline, which is extended meanwhile.
    const body = Readable.fromWeb(response.body);
    await pipeline(body, createWriteStream(`${path}.part`, { flush: true }), { signal });
    await rename(`${path}.part`, path);
  };
}

async function main([folder, mediaUrl, server = '127.0.0.1:50051']: string[]): Promise<void> {
  if (folder === undefined || mediaUrl === undefined) {
    throw new Error('usage: recording-fetch FOLDER MEDIA-URL [SERVER]');
  }
  await mkdir(folder, { recursive: true });
  await using client = new Client({ server });
  const subscription = client.subscribe('recordings', recordingsFrom(mediaUrl, folder), {
    createIfMissing: { minimumRetryTimeMs: 3 * 24 * 3_600_000 },
    concurrency: 4,
    graceMs: 60_000,
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void subscription.stop());
  }
  await subscription.closed;
}

if (require.main === module) void main(process.argv.slice(2));
