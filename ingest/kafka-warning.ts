/** The parts of `process` that this needs. */
export interface WarningSource {
  listeners(event: 'warning'): ((warning: Error) => void)[];
  removeAllListeners(event: 'warning'): unknown;
  on(event: 'warning', listener: (warning: Error) => void): unknown;
}

/**
 * Keeps one warning from the user: kafkajs's request queue computes "throttled until minus now" with -1 for "not throttled"
 * and hands the negative number to `setTimeout` each time its queue runs empty, of which Node.js 24 warns once a process.
 * No setting of kafkajs avoids that call, and Node.js's own switch would hide the warning whoever causes it; so the listeners
 * that print warnings are wrapped, and only a `TimeoutNegativeWarning` raised from that very file is dropped.
 *
 * Called once, by composition, before the first Kafka client is made.
 */
export function hideKafkajsTimeoutWarning(source: WarningSource): void {
  const printers = source.listeners('warning');
  source.removeAllListeners('warning');
  source.on('warning', (warning) => {
    if (isKafkajsTimeoutWarning(warning)) return;
    for (const print of printers) print.call(source, warning);
  });
}

function isKafkajsTimeoutWarning(warning: Error): boolean {
  return (
    warning.name === 'TimeoutNegativeWarning' &&
    /[\\/]kafkajs[\\/]src[\\/]network[\\/]requestQueue[\\/]/.test(warning.stack ?? '')
  );
}
