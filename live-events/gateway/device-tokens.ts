import { errors, jwtVerify, SignJWT } from 'jose';
import { isKey } from '../../device/index.ts';
import { type Clock, StopError } from '../../foundation/index.ts';
import type { DeviceClaims } from '../ports.ts';

const algorithm = 'HS256';
const keyBytesMin = 32;
const memberLengthMax = 512;
const deviceLengthMax = 128;
/** The clocks of producers and gateways differ by less. */
export const tokenToleranceMs = 5_000;

export type TokenFault = 'TOKEN_EXPIRED' | 'TOKEN_REFUSED';

/** Signs what a device may connect with, and checks it without asking anybody. */
export class DeviceTokens {
  readonly #key: CryptoKey;
  readonly #clock: Clock;

  /** Use {@link createDeviceTokens}. */
  constructor(key: CryptoKey, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
  }

  async sign({ event, member, device, expiresAtMs }: DeviceClaims): Promise<string> {
    return await new SignJWT({ sub: member, dev: device, evt: event, exp: Math.floor(expiresAtMs / 1000) })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .sign(this.#key);
  }

  async verify(token: string, event: string): Promise<DeviceClaims | TokenFault> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [algorithm],
        clockTolerance: tokenToleranceMs / 1000,
        currentDate: new Date(this.#clock.now()),
      });
      const { sub: member, dev: device, evt, exp } = payload;
      if (evt !== event || !isKey(evt) || exp === undefined) return 'TOKEN_REFUSED';
      if (!isMember(member) || !isName(device, deviceLengthMax)) return 'TOKEN_REFUSED';
      return { event: evt, member, device, expiresAtMs: exp * 1000 };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return 'TOKEN_EXPIRED';
      if (error instanceof errors.JOSEError) return 'TOKEN_REFUSED';
      throw error;
    }
  }
}

/**
 * @param secret At least 32 bytes, the same for all producers and gateways.
 * @throws {StopError} when it is shorter.
 */
export async function createDeviceTokens(secret: Uint8Array, clock: Clock): Promise<DeviceTokens> {
  if (secret.length < keyBytesMin) {
    const message = `The key of device tokens has ${secret.length} bytes; give one of at least ${keyBytesMin}.`;
    throw new StopError('LIVE_TOKEN_KEY', message);
  }
  // Imported once: from bytes, each check would import it again.
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(secret), hmac, false, ['sign', 'verify']);
  return new DeviceTokens(key, clock);
}

/** `Type:id`. */
function isMember(value: unknown): value is string {
  return isName(value, memberLengthMax) && /^[^:]+:./.test(value);
}

function isName(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length <= lengthMax && /^[^\p{Cc}]+$/u.test(value);
}
