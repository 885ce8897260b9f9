import { parentPort, workerData } from 'node:worker_threads';
import { must, systemClock } from '../foundation/index.ts';
import { openLevel } from './leveldb-open.ts';
import type { WriterOrder, WriterReply, WriterRequest } from './leveldb-protocol.ts';
import { LevelWriter } from './leveldb-writer.ts';

/** The entry of the writer's thread: started by `leveldb-store.ts`, never imported. */
const port = must(parentPort, 'leveldb-worker.ts runs in a worker thread only');
const { settings, stretches }: WriterOrder = workerData;
const reply = (message: WriterReply): void => port.postMessage(message);

const db = await openLevel(settings, stretches);
const writer = await LevelWriter.open(db, settings, systemClock, reply);

async function close(): Promise<void> {
  await writer.drained();
  await db.close();
  port.close();
}

port.on('message', (request: WriterRequest) => {
  // A rejection ends the thread, which the store reports as a crash of its writer.
  if (request.kind === 'close') void close();
  else writer.submit(request);
});
reply({ kind: 'ready' });
