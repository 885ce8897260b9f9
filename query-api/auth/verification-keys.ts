import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type CryptoKey, errors, type JWSHeaderParameters } from 'jose';
import { StopError } from '../../foundation/index.ts';

/** Where the key comes from that a token was signed with. */
export interface VerificationKeys {
  /**
   * Rejects with a JOSEError when there is no such key, and with an OutageError when nobody can tell. The header is the
   * token's own word: hostile.
   */
  keyFor(header: JWSHeaderParameters): Promise<CryptoKey | KeyObject>;
}

/** All that are known for tokens checked with a public key. A shared secret would let whoever checks a token also make one. */
export const jwtAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

const rsaBitsMin = 2048;

/**
 * One public key from a file in PEM, or the one of a certificate.
 *
 * @throws StopError `JWT_KEY_UNUSABLE`.
 */
export function publicKeys(pem: string, file: string): VerificationKeys {
  const key = readKey(pem, file);
  const { modulusLength } = key.asymmetricKeyDetails ?? {};
  if (algorithmsOf(key).length === 0) throw unusable(file, 'holds a key that no algorithm here is for');
  if (modulusLength !== undefined && modulusLength < rsaBitsMin) {
    throw unusable(file, `holds an RSA key of ${modulusLength} bits; at least ${rsaBitsMin} are needed`);
  }
  const algorithms = algorithmsOf(key);
  return {
    keyFor: async ({ alg }) => {
      if (alg === undefined || !algorithms.includes(alg)) throw new errors.JWKSNoMatchingKey();
      return key;
    },
  };
}

/** Which algorithms a key can be for: it is never tried with another one. */
function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
  const curve = asymmetricKeyDetails?.namedCurve ?? '';
  const curves: Readonly<Record<string, string>> = {
    prime256v1: 'ES256',
    secp384r1: 'ES384',
    secp521r1: 'ES512',
  };
  switch (asymmetricKeyType) {
    case 'rsa':
      return jwtAlgorithms.filter((name) => name.startsWith('RS') || name.startsWith('PS'));
    case 'ec':
      return Object.hasOwn(curves, curve) ? [curves[curve] ?? ''] : [];
    case 'ed25519':
      return ['EdDSA', 'Ed25519'];
    default:
      return [];
  }
}

function readKey(pem: string, file: string): KeyObject {
  // Node would take the public half of it; but a server that only checks tokens should not have it at all.
  if (/PRIVATE KEY-----/.test(pem)) throw unusable(file, 'holds a private key; take its public one');
  try {
    return pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
  } catch (cause) {
    throw unusable(file, 'holds no public key in PEM', cause);
  }
}

function unusable(file: string, what: string, cause?: unknown): StopError {
  const context = { setting: 'api.jwt.key.file' };
  return new StopError('JWT_KEY_UNUSABLE', `\`api.jwt.key.file\`: ${file} ${what}.`, { cause, context });
}
