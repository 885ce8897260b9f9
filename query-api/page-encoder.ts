import type { NodeRef, StepView } from '../graph-store/index.ts';

/** Says what a table is of: names and texts that go into its own metadata. */
export type AboutTable = Readonly<Record<string, string>>;

/** Writes answers as tables for notebooks; composition passes one for each format. */
export interface PageEncoder {
  /** By which a client asks for it with `accept`. */
  readonly mime: string;
  members(pages: AsyncIterable<readonly NodeRef[]>, about: AboutTable): AsyncIterable<Uint8Array>;
  steps(pages: AsyncIterable<readonly StepView[]>, about: AboutTable): AsyncIterable<Uint8Array>;
}

/** The first that `accept` names; null where it names none of them. */
export function acceptedEncoder(
  encoders: readonly PageEncoder[],
  accept: string | undefined,
): PageEncoder | null {
  const wanted = (accept ?? '').split(',').map((one) => one.split(';')[0]?.trim().toLowerCase());
  return encoders.find(({ mime }) => wanted.includes(mime)) ?? null;
}
