/** The parts of `process` that this needs. */
export interface WarningSource {
  listeners(event: 'warning'): ((warning: Error) => void)[];
  removeAllListeners(event: 'warning'): unknown;
  on(event: 'warning', listener: (warning: Error) => void): unknown;
}

/**
 * Keeps warnings of one kind from the user. Node.js's own switches would hide them whoever causes them, so the listeners that print are wrapped: every other warning is
 * printed as before. For composition, once for each kind.
 */
export function hideWarning(source: WarningSource, isMeant: (warning: Error) => boolean): void {
  const printers = source.listeners('warning');
  source.removeAllListeners('warning');
  source.on('warning', (warning) => {
    if (isMeant(warning)) return;
    for (const print of printers) print.call(source, warning);
  });
}
