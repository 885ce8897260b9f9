import type { PropertyValue } from '../../graph-store/index.ts';
import type { NormalizerSignature } from '../../schemas/index.ts';

/** A present value in its one canonical form, or null for what has none. Pure, and total over the kinds that it takes. */
export type Normalize = (value: PropertyValue) => PropertyValue;

/** A function that mappings name in `apply`. A null is never given to it: null stays null. */
export interface Normalizer extends NormalizerSignature {
  readonly description: string;
  readonly examples: readonly (readonly [given: PropertyValue, gives: PropertyValue])[];
  readonly normalize: Normalize;
}

export const texts = ['string', 'enum', 'uuid'] as const;
export const numbers = ['int', 'long', 'double'] as const;

/** For functions of text: anything else, which the compiler has ruled out, stays as it is. */
export function onText(change: (text: string) => string | null): Normalize {
  return (value) => (typeof value === 'string' ? change(value) : value);
}

const rememberedMax = 1_000;

/** As {@link onText}, for what is slow and sees few different texts. Forgets all when full: no text can push it over a bound. */
export function onFewTexts(change: (text: string) => string | null): Normalize {
  const remembered = new Map<string, string | null>();
  return onText((text) => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const changed = change(text);
    if (remembered.size >= rememberedMax) remembered.clear();
    if (text.length <= 64) remembered.set(text, changed);
    return changed;
  });
}
