import { describe, expect, it } from 'vitest';
import { benchTokens } from './bench-tokens.ts';
import { broadcastText } from './broadcast-text.ts';
import { dialectOf, partsOf, unwrap } from './dialects.ts';
import { serverFrame } from './frames.ts';
import { summarize } from './summary.ts';

const ascending = (...values: readonly number[]): Float64Array => Float64Array.from(values);

describe('A summary of broadcasts', () => {
  it('is of each over its recipients, then of how that is spread over the broadcasts', () => {
    const hundred = ascending(...Array.from({ length: 100 }, (_one, i) => i + 1));
    const summary = summarize([hundred, ascending(...hundred.map((ms) => 2 * ms)), hundred]);
    expect(summary.t50).toEqual({ p50Ms: 50, p99Ms: 100, maxMs: 100 });
    expect(summary.t99).toEqual({ p50Ms: 99, p99Ms: 198, maxMs: 198 });
    expect(summary.t100).toEqual({ p50Ms: 100, p99Ms: 200, maxMs: 200 });
    expect(summary.deliveriesPerSecond).toBe(1000);
  });
});

describe('What a rival makes of a broadcast', () => {
  const text = broadcastText(7, 1000.4);
  it.each([
    ['as it is', text],
    ['as a message of NATS', `MSG fight-1 1 115\r\n${text}\r\nPING\r\n`],
    ['as an event of Socket.IO', `42["b",${text}]`],
  ])('is read %s', (_how, payload) => {
    expect(unwrap(serverFrame(payload))).toMatchObject({ sequence: 1008, at: 1000 });
  });

  it('is answered with a heartbeat where there is one beside it', async () => {
    const nats = dialectOf('nats', await benchTokens(), 0);
    const frame = Buffer.from('PING\r\nMSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n');
    const parts = [...partsOf(frame, nats.mixes ?? '')].map(String);
    expect(parts).toEqual(['MSG a 1 1\r\nx\r\n', 'MSG a 1 1\r\ny\r\n']);
    expect(nats.heartbeat(Buffer.from('MSG x\r\nPING\r\n'))?.toString()).toContain('PONG');
    expect(nats.heartbeat(Buffer.from('MSG x\r\n'))).toBeNull();
  });
});
