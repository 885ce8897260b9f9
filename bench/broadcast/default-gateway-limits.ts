import { gatewayLimitsOf } from '../../cli/gateway-limits.ts';
import { loadSettings } from '../../config/index.ts';
import type { GatewayLimits } from '../../live-events/index.ts';

/** What a gateway has unless an operator says otherwise. */
export function defaultGatewayLimits(): GatewayLimits {
  return gatewayLimitsOf(loadSettings({ flags: {}, environment: {}, files: [] }).settings);
}
