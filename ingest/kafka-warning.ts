import { hideWarning, type WarningSource } from '../foundation/index.ts';

/**
 * kafkajs's request queue computes "throttled until minus now" with -1 for "not throttled" and hands the negative number to `setTimeout` each time its queue runs empty, of
 * which Node.js 24 warns once a process. No setting of kafkajs avoids that call; only a `TimeoutNegativeWarning` raised from that very file is hidden.
 *
 * Called once, by composition, before the first Kafka client is made.
 */
export function hideKafkajsTimeoutWarning(source: WarningSource): void {
  hideWarning(source, isKafkajsTimeoutWarning);
}

function isKafkajsTimeoutWarning(warning: Error): boolean {
  return (
    warning.name === 'TimeoutNegativeWarning' &&
    /[\\/]kafkajs[\\/]src[\\/]network[\\/]requestQueue[\\/]/.test(warning.stack ?? '')
  );
}
