import { expect, it } from 'vitest';
import { loadSettings } from '../config/index.ts';
import { processGate } from './process-gate.ts';

const jwt = {
  'api.jwt.jwks.url': 'https://issuer.example/keys',
  'api.jwt.issuer': 'https://issuer.example',
  'api.jwt.audience': 'graph',
};

it.each([
  [
    'the one that is set',
    { host: '0.0.0.0', 'api.token': 'a-token-of-some-length' },
    'a-token-of-some-length',
    true,
  ],
  ['one that nobody knows where JWTs alone are taken', { host: '0.0.0.0', ...jwt }, 'made up', true],
  ['none on this machine alone', {}, null, false],
])('a process without an API wants a token: %s', (_, flags: Record<string, string>, token, anyHost) => {
  const { settings } = loadSettings({ flags, environment: {}, files: [] });
  expect(processGate(settings, () => 'made up')).toEqual({ token, allowedHosts: [], anyHost });
});
