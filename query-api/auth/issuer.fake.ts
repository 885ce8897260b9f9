import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export const issuer = 'https://issuer.example';
export const audience = 'journey-graph';

/** What an answer for the keys is instead of the keys. */
export type Trouble = 'none' | 'broken' | 'away' | 'huge';

/** An issuer of tokens: real keys, published over HTTP. */
export interface FakeIssuer {
  readonly url: string;
  /** How often the keys were asked for. */
  readonly asked: () => number;
  trouble: Trouble;
  /** A token as it should be, but for what is said otherwise; valid for an hour from `nowMs`. */
  token(
    payload?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
  /** From now on tokens are signed with a new key, which is published too. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

export async function startIssuer(nowMs: number, algorithm = 'ES256'): Promise<FakeIssuer> {
  const published: object[] = [];
  let asked = 0;
  let at = 0;
  const makeKey = async (): Promise<{ readonly kid: string; readonly privateKey: CryptoKey }> => {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    at += 1;
    const kid = `key-${at}`;
    published.push({ ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' });
    return { kid, privateKey };
  };
  let key = await makeKey();
  const server = http.createServer((_request, response) => {
    asked += 1;
    if (fake.trouble === 'away') return response.destroy();
    if (fake.trouble === 'huge')
      return response.end(JSON.stringify({ keys: published, x: 'x'.repeat(300_000) }));
    if (fake.trouble === 'broken') return response.writeHead(500).end('no');
    return response.end(JSON.stringify({ keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const fake: FakeIssuer = {
    url: `http://127.0.0.1:${port}/jwks`,
    asked: () => asked,
    trouble: 'none',
    token: async (payload = {}, header = {}) => {
      const seconds = Math.floor(nowMs / 1000);
      const claims = {
        iss: issuer,
        aud: audience,
        sub: 'service-a',
        iat: seconds,
        exp: seconds + 3600,
        ...payload,
      };
      const whole = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
      return await new SignJWT(whole)
        .setProtectedHeader({ alg: algorithm, kid: key.kid, ...header })
        .sign(key.privateKey);
    },
    rotate: async () => {
      key = await makeKey();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}
