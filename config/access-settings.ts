import type { SettingSpec } from './setting-spec.ts';

/** The part of the table about who may ask the API. */
export const accessSettings = {
  'api.jwt.jwks.url': {
    section: 'server',
    kind: 'text',
    form: 'url',
    default: null,
    description:
      'Where the issuer of JWTs publishes its keys. With it, or `api.jwt.key.file`, callers may send a JWT instead of `api.token`.',
  },
  'api.jwt.key.file': {
    section: 'server',
    kind: 'text',
    default: null,
    description:
      'File with the public key of the issuer, or its certificate, in PEM: instead of `api.jwt.jwks.url`.',
  },
  'api.jwt.issuer': {
    section: 'server',
    kind: 'text',
    default: null,
    description: 'What a JWT must have as `iss`.',
  },
  'api.jwt.audience': {
    section: 'server',
    kind: 'text',
    default: null,
    description: 'What a JWT must have as `aud`, or among them.',
  },
  'api.jwt.algorithms': {
    section: 'server',
    kind: 'list',
    default: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
    description:
      'How a JWT may be signed: RS, PS or ES with 256, 384 or 512, EdDSA, Ed25519. Shared secrets are not taken.',
  },
  'api.jwt.clock.tolerance.ms': {
    section: 'server',
    kind: 'number',
    unit: 'ms',
    default: 5000,
    min: 0,
    max: 300_000,
    description: "How far the issuer's clock may be off.",
  },
  'api.policy.file': {
    section: 'server',
    kind: 'text',
    default: null,
    description:
      'What callers with a JWT may read, in YAML or JSON; without it everything but what is under `/store/`.',
  },
  'api.federation': {
    section: 'server',
    kind: 'flag',
    default: false,
    description:
      'Whether the API is a subgraph of Apollo Federation: adds `_service` and `_entities`, which only a router should reach.',
  },
} as const satisfies Readonly<Record<string, SettingSpec>>;
