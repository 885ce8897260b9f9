export {
  type DemoLimits,
  type DemoLog,
  DemoPlayer,
  type DemoPorts,
  type DemoRecord,
  featuredAccountId,
} from './demo-player.ts';
export {
  LiveDemo,
  type LiveDemoCommands,
  type LiveDemoEvent,
  type LiveDemoParts,
  type LiveDemoTimes,
  liveDemoTimesDefault,
} from './live-demo.ts';
