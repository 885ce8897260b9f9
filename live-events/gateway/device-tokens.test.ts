import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../foundation/index.ts';
import type { DeviceClaims } from '../ports.ts';
import { createDeviceTokens, type DeviceTokens, tokenToleranceMs } from './device-tokens.ts';
import { testSecret } from './gateway-testing.ts';

const nowMs = 1_795_300_000_000;
const clockAt = (atMs: number): Clock => ({ ...systemClock, now: () => atMs });
const claims: DeviceClaims = {
  event: 'fight-1',
  member: 'Account:a1',
  device: 'tv-1',
  expiresAtMs: nowMs + 60_000,
};
const tokensAt = (atMs: number): Promise<DeviceTokens> => createDeviceTokens(testSecret, clockAt(atMs));

async function signed(payload: object, alg = 'HS256', secret: Uint8Array = testSecret): Promise<string> {
  return await new SignJWT({ ...payload }).setProtectedHeader({ alg }).sign(secret);
}

describe('the token of a device', () => {
  it('says who it was made for, in another process with the same key', async () => {
    const token = await (await tokensAt(nowMs)).sign(claims);
    expect(await (await tokensAt(nowMs)).verify(token, 'fight-1')).toEqual(claims);
  });

  it('is good a little longer than it says, and not any longer', async () => {
    const token = await (await tokensAt(nowMs)).sign(claims);
    const late = claims.expiresAtMs + tokenToleranceMs;
    expect(await (await tokensAt(late - 1_000)).verify(token, 'fight-1')).toEqual(claims);
    expect(await (await tokensAt(late)).verify(token, 'fight-1')).toBe('TOKEN_EXPIRED');
  });

  const whole = { sub: 'Account:a1', dev: 'tv-1', evt: 'fight-1', exp: nowMs / 1000 + 60 };
  const { sub: _sub, ...noMember } = whole;
  const { dev: _dev, ...noDevice } = whole;
  const { exp: _exp, ...noExpiry } = whole;
  it.each([
    ['for another event', signed({ ...whole, evt: 'fight-2' })],
    ['without a member', signed(noMember)],
    ['with a member that has no type', signed({ ...whole, sub: 'a1' })],
    ['with a line’s end in the device', signed({ ...whole, dev: 'a\nb' })],
    ['with a device of a thousand letters', signed({ ...whole, dev: 'a'.repeat(1_000) })],
    ['without a device', signed(noDevice)],
    ['without an expiry', signed(noExpiry)],
    ['signed with another key', signed(whole, 'HS256', new Uint8Array(32).fill(8))],
    ['signed with another algorithm', signed(whole, 'HS512', new Uint8Array(64).fill(7))],
    ['not signed', Promise.resolve(new UnsecuredJWT(whole).encode())],
    ['not yet good', signed({ ...whole, nbf: nowMs / 1000 + 60 })],
    ['that is none', Promise.resolve('a.b.c')],
    ['that is empty', Promise.resolve('')],
  ])('is refused %s', async (_name, token) => {
    expect(await (await tokensAt(nowMs)).verify(await token, 'fight-1')).toBe('TOKEN_REFUSED');
  });

  it('is refused with one letter changed', async () => {
    const tokens = await tokensAt(nowMs);
    const token = await tokens.sign(claims);
    for (const at of [5, token.indexOf('.') + 5, token.length - 10]) {
      const letter = token[at] === 'A' ? 'B' : 'A';
      const forged = `${token.slice(0, at)}${letter}${token.slice(at + 1)}`;
      expect(await tokens.verify(forged, 'fight-1')).toBe('TOKEN_REFUSED');
    }
  });

  it('needs a key of 256 bits', async () => {
    const short = createDeviceTokens(new Uint8Array(31), systemClock);
    await expect(short).rejects.toMatchObject({ code: 'LIVE_TOKEN_KEY', reaction: 'stop' });
  });
});
