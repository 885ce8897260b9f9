import { createHmac, generateKeyPairSync } from 'node:crypto';
import { errors, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, type Log, silentLog } from '../../foundation/index.ts';
import { startTestApi, type TestApiOptions } from '../api-testing.ts';
import type { ApiServer } from '../server.ts';
import type { StoreOperations } from '../store-operations.ts';
import { audience, type FakeIssuer, issuer, startIssuer } from './issuer.fake.ts';
import { JwksKeys, type JwksLimits, jwksLimitsDefault } from './jwks-keys.ts';
import { TokenVerifier } from './token-verifier.ts';
import { publicKeys, type VerificationKeys } from './verification-keys.ts';

const startMs = Date.UTC(2026, 10, 21);
const hourMs = 3_600_000;
const rules = { issuer, audience, algorithms: ['ES256', 'RS256'], clockToleranceMs: 5000 };

/** A clock that a test moves; waiting is as long as it is. */
class TestClock implements Clock {
  #passedMs = 0;
  nowMs = startMs;
  now(): number {
    return this.nowMs;
  }
  readonly steadyMs = (): number => this.#passedMs;
  /** As time does; what sets `nowMs` sets the clock. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.#passedMs += ms;
  }
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

let clock: TestClock;
let fake: FakeIssuer;
let logged: { readonly fields: object; readonly message: string }[];
const servers: ApiServer[] = [];

const log: Log = {
  ...silentLog,
  warn: (fields, message) => logged.push({ fields, message }),
  error: (fields, message) => logged.push({ fields, message }),
};

beforeEach(async () => {
  clock = new TestClock();
  logged = [];
  fake = await startIssuer(startMs);
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await fake.close();
});

async function start(
  options: TestApiOptions = {},
  limits: Partial<JwksLimits> = {},
  keys?: VerificationKeys,
) {
  const source =
    keys ?? new JwksKeys(fake.url, { steadyMs: clock.steadyMs, log }, { ...jwksLimitsDefault, ...limits });
  const access = { jwt: new TokenVerifier(source, rules, { clock, steadyMs: clock.steadyMs }), policy: null };
  const server = await startTestApi({ clock, log, access, ...options });
  servers.push(server);
  return server;
}

async function get(
  server: ApiServer,
  token: string | null,
  path = '/graphql?query={__typename}',
): Promise<Response> {
  const headers: Record<string, string> = { 'apollo-require-preflight': '1' };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  return await fetch(`${server.url}${path}`, { headers });
}

async function codeOf(response: Response): Promise<string> {
  const { errors }: { errors: { extensions: { code: string } }[] } = JSON.parse(await response.text());
  return errors[0]?.extensions.code ?? '';
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

describe('A JWT', () => {
  it('of the issuer lets its holder in, as often as they come, and the keys are asked for once', async () => {
    const server = await start();
    const token = await fake.token();
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(server, token)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(fake.asked()).toBe(1);
  });

  it('is checked again after a minute: a key that the issuer has withdrawn lets nobody in for longer', async () => {
    let withdrawn = false;
    const source = new JwksKeys(fake.url, { steadyMs: clock.steadyMs, log });
    const keys: VerificationKeys = {
      keyFor: async (header) => {
        if (withdrawn) throw new errors.JWKSNoMatchingKey();
        return await source.keyFor(header);
      },
    };
    const server = await start({}, {}, keys);
    const token = await fake.token();
    expect((await get(server, token)).status).toBe(200);
    withdrawn = true;
    clock.nowMs -= hourMs;
    clock.pass(59_999);
    expect((await get(server, token)).status).toBe(200);
    clock.pass(1);
    expect((await get(server, token)).status).toBe(401);
  });

  const seconds = startMs / 1000;
  it.each<[string, Readonly<Record<string, unknown>>, string, string]>([
    ['has expired', { exp: seconds - 10 }, 'TOKEN_EXPIRED', 'it has expired'],
    ['never ends', { exp: undefined }, 'TOKEN_REFUSED', 'its claim `exp` is missing'],
    ['is not valid yet', { nbf: seconds + 60 }, 'TOKEN_REFUSED', 'its claim `nbf` is not as it must be'],
    [
      'is of another issuer',
      { iss: 'https://evil.example' },
      'TOKEN_REFUSED',
      'its claim `iss` is not as it must be',
    ],
    [
      'is for another service',
      { aud: 'canary-payments' },
      'TOKEN_REFUSED',
      'its claim `aud` is not as it must be',
    ],
    ['is for nobody', { aud: undefined }, 'TOKEN_REFUSED', 'its claim `aud` is missing'],
    ['says nobody', { sub: undefined }, 'TOKEN_REFUSED', 'its claim `sub` is missing'],
    ['says an empty name', { sub: '' }, 'TOKEN_REFUSED', 'its `sub` is not a text of 1 to 256 characters'],
    ['says a number', { sub: 7 }, 'TOKEN_REFUSED', 'its `sub` is not a text of 1 to 256 characters'],
    ['is too long', { canary: 'x'.repeat(9000) }, 'TOKEN_REFUSED', 'it is too long'],
  ])('that %s is refused; the log alone has the reason', async (_name, payload, code, reason) => {
    const server = await start();
    const response = await get(server, await fake.token({ canary: 'canary', ...payload }));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    expect(await codeOf(response)).toBe(code);
    expect(logged).toEqual([
      { fields: { requestId: 'request-1', code, reason }, message: 'A caller was not let in.' },
    ]);
    expect(JSON.stringify(logged)).not.toContain('canary');
  });

  it('that has just expired is let in within the tolerance, and not after it', async () => {
    const server = await start();
    const token = await fake.token({ exp: seconds + 10 });
    clock.nowMs = startMs + 14_000;
    expect((await get(server, token)).status).toBe(200);
    clock.nowMs = startMs + 15_001;
    expect((await get(server, token)).status).toBe(401);
  });

  it('without a signature, or with one made from what is public, is refused', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const payload = base64({ iss: issuer, aud: audience, sub: 'x', exp: seconds + 60 });
    const signed = (header: object, secret: string): string => {
      const text = `${base64(header)}.${payload}`;
      return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
    };
    const forged = [
      `${base64({ alg: 'none' })}.${payload}.`,
      `${base64({ alg: 'NONE' })}.${payload}.`,
      signed({ alg: 'HS256' }, pem),
      signed({ alg: 'RS256' }, pem),
      signed({ alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) }, pem),
      signed({ alg: 'RS256', crit: ['x'], x: 1 }, pem),
      'a.b.c',
      '...',
      'x',
    ];
    for (const keys of [undefined, publicKeys(pem, 'key.pem')]) {
      const server = await start({}, {}, keys);
      for (const token of forged) {
        const response = await get(server, token);
        expect([token.slice(0, 40), response.status, await codeOf(response)]).toEqual([
          token.slice(0, 40),
          401,
          'TOKEN_REFUSED',
        ]);
      }
    }
  });

  it('whose signature or claims were changed on the way is refused', async () => {
    const server = await start();
    const [header, , signature] = (await fake.token()).split('.');
    const other = base64({ iss: issuer, aud: audience, sub: 'admin', exp: seconds + 3600 });
    expect((await get(server, `${header}.${other}.${signature}`)).status).toBe(401);
    expect(logged[0]?.fields).toMatchObject({ reason: 'its signature is wrong' });
  });

  it('stands beside `api.token`, whose holder may do what no JWT may', async () => {
    const operations: StoreOperations = {
      snapshot: () => Promise.reject(new Error('not asked')),
      verify: () => Promise.reject(new Error('not asked')),
      stats: () => Promise.reject(new Error('not asked')),
    } as never;
    const server = await start({ gate: { token: 'operator-token' }, operations });
    expect((await get(server, 'operator-token')).status).toBe(200);
    expect((await get(server, await fake.token())).status).toBe(200);
    const refused = await get(server, await fake.token(), '/store/snapshot');
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'FORBIDDEN']);
  });

  it('is wanted on loopback too: nobody without one is the local caller', async () => {
    const response = await get(await start(), null);
    expect([response.status, await codeOf(response)]).toEqual([401, 'UNAUTHENTICATED']);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });
});

describe('The keys of an issuer', () => {
  it('that are new are found, and made-up key ids make nobody ask more often than the cooldown', async () => {
    const server = await start();
    expect((await get(server, await fake.token())).status).toBe(200);
    await fake.rotate();
    const rotated = await fake.token();
    expect((await get(server, rotated)).status).toBe(401);
    clock.pass(jwksLimitsDefault.cooldownMs);
    expect((await get(server, rotated)).status).toBe(200);
    expect(fake.asked()).toBe(2);
    const madeUp = await fake.token({}, { kid: 'made-up' });
    for (let at = 0; at < 10; at += 1) expect((await get(server, madeUp)).status).toBe(401);
    expect(fake.asked()).toBe(2);
  });

  it.each(['away', 'broken', 'huge'] as const)(
    'that cannot be read (%s) are an outage and no refusal',
    async (trouble) => {
      fake.trouble = trouble;
      const server = await start();
      const token = await fake.token();
      const response = await get(server, token);
      expect([response.status, await codeOf(response)]).toEqual([503, 'AUTHENTICATION_UNAVAILABLE']);
      expect(response.headers.get('retry-after')).toBe('5');
      expect((await get(server, token)).status).toBe(503);
      expect(fake.asked()).toBe(1);
      fake.trouble = 'none';
      clock.pass(jwksLimitsDefault.cooldownMs);
      expect((await get(server, token)).status).toBe(200);
    },
  );

  it('are asked for again after the cooldown however far the clock was set back meanwhile', async () => {
    fake.trouble = 'away';
    const server = await start();
    const token = await fake.token();
    expect((await get(server, token)).status).toBe(503);
    fake.trouble = 'none';
    clock.nowMs -= hourMs;
    clock.pass(jwksLimitsDefault.cooldownMs - 1);
    expect((await get(server, token)).status).toBe(503);
    clock.pass(1);
    expect((await get(server, token)).status).toBe(200);
    await fake.rotate();
    clock.nowMs -= hourMs;
    clock.pass(jwksLimitsDefault.cooldownMs);
    expect((await get(server, await fake.token())).status).toBe(200);
    expect(fake.asked()).toBe(3);
  });

  it('may have one that is new while the issuer is away: its token is not refused, for nobody can tell', async () => {
    const server = await start();
    expect((await get(server, await fake.token())).status).toBe(200);
    await fake.rotate();
    fake.trouble = 'away';
    clock.pass(jwksLimitsDefault.cooldownMs);
    expect((await get(server, await fake.token())).status).toBe(503);
    fake.trouble = 'none';
    clock.pass(jwksLimitsDefault.cooldownMs);
    expect((await get(server, await fake.token())).status).toBe(200);
  });

  it('are used for a while when the issuer goes away, and no longer', async () => {
    const server = await start({}, { freshMs: 1000, staleMs: 60_000 });
    const token = await fake.token();
    expect((await get(server, token)).status).toBe(200);
    fake.trouble = 'away';
    clock.pass(30_000);
    expect((await get(server, token)).status).toBe(200);
    clock.nowMs -= 45_000;
    clock.pass(30_000);
    expect((await get(server, token)).status).toBe(503);
  });
});

describe('A public key from a file', () => {
  it('is refused when it is private, short or none', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const short = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => publicKeys(short, 'key.pem')).toThrow('key.pem holds an RSA key of 1024 bits');
    expect(() => publicKeys(secret, 'key.pem')).toThrow('key.pem holds a private key');
    expect(() => publicKeys('hello', 'key.pem')).toThrow('key.pem holds no public key in PEM');
  });

  it('checks tokens without anybody being asked', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = publicKeys(publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'key.pem');
    const server = await start({}, {}, keys);
    const claims = { iss: issuer, aud: audience, sub: 'a', exp: startMs / 1000 + 60 };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    expect((await get(server, token)).status).toBe(200);
    expect(fake.asked()).toBe(0);
  });
});
