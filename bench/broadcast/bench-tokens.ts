import { systemClock } from '../../foundation/index.ts';
import { createDeviceTokens, type DeviceTokens } from '../../live-events/index.ts';

const secret = new Uint8Array(32).fill(7);

/** Of gateway and clients alike. */
export async function benchTokens(): Promise<DeviceTokens> {
  return await createDeviceTokens(secret, systemClock);
}
