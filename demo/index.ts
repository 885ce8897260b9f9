export {
  type DemoLimits,
  type DemoLog,
  DemoPlayer,
  type DemoPorts,
  type DemoRecord,
  featuredAccountId,
} from './demo-player.ts';
