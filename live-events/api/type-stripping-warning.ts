import { hideWarning, type WarningSource } from '../../foundation/index.ts';

/**
 * A checkout serves the device client by stripping its types (`device-files.ts`), of which Node.js 24 warns as experimental when the first page loads. What that
 * function makes of each module is tested, so the warning tells whoever runs the product nothing. The compiled package strips nothing.
 *
 * Called once, by composition, before pages are served.
 */
export function hideTypeStrippingWarning(source: WarningSource): void {
  hideWarning(
    source,
    ({ name, message }) => name === 'ExperimentalWarning' && message.startsWith('stripTypeScriptTypes '),
  );
}
