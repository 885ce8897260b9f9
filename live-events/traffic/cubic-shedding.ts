import type { Random } from '../../foundation/index.ts';
import type { RequestClass } from './request-class.ts';

/** How loaded a server is; each from 0. */
export interface Load {
  /** The greater of CPU and event loop utilisation, 0 to 1. */
  readonly utilisation: number;
  /** Requests in flight of those that the gradient limit allows; above 1 where guarantees exceed it. */
  readonly inFlightShare: number;
  /** Share of requests that took longer than the objective of their class: utilisation of what the CPU does not show, such as a disk. */
  readonly slowShare: number;
}

/** Between `from` and `full` a signal's overload goes from 0 to 1. */
interface Range {
  readonly from: number;
  readonly full: number;
}

export type SheddingLimits = Readonly<Record<keyof Load, Range>>;

/**
 * Utilisation as Netflix reported it in 2024: less important requests are shed above 60 %, important ones above 80 %, which is an overload of
 * 80 % here. A full gradient limit alone comes to an overload below that: partitions guard what users are guaranteed in it.
 */
export const sheddingLimitsDefault: SheddingLimits = {
  utilisation: { from: 0.6, full: 0.85 },
  inFlightShare: { from: 0.8, full: 1.1 },
  slowShare: { from: 0.1, full: 0.6 },
};

/** Priorities of each class, 1 (kept longest) to 100. */
export const priorityBands: Readonly<
  Record<RequestClass, { readonly first: number; readonly last: number }>
> = {
  'live-critical': { first: 1, last: 10 },
  user: { first: 11, last: 50 },
  prefetch: { first: 51, last: 80 },
  bulk: { first: 81, last: 100 },
};

/** What slow answers alone may come to: below where users are shed. A few callers with slow questions are slow on an idle machine as well. */
const slowOverloadMax = 0.75;

/** 0: none; 1: nothing can be taken. The worst signal counts: each alone can bring a server down. */
export function overloadOf(load: Load, limits: SheddingLimits): number {
  const { utilisation, inFlightShare, slowShare } = limits;
  return Math.max(
    within(load.utilisation, utilisation),
    within(load.inFlightShare, inFlightShare),
    slowOverloadMax * within(load.slowShare, slowShare),
  );
}

/**
 * Priorities above it are shed. The cubic through what Netflix published in 2020 ("Keeping Netflix reliable using prioritized load
 * shedding"): 100 without overload, 95 at 35 %, 50 at 80 %, 10 at 95 %. A small overload costs the least important only; then it goes fast.
 */
export function priorityThreshold(overload: number): number {
  const x = Math.max(0, Math.min(1, overload));
  return Math.max(0, 100 + x * (-27.12 + x * (99.55 - 179.66 * x)));
}

/** Share of a class's requests that are kept, 0 to 1. */
export function keptShare(requestClass: RequestClass, overload: number): number {
  const { first, last } = priorityBands[requestClass];
  const kept = (priorityThreshold(overload) - (first - 1)) / (last - first + 1);
  return Math.max(0, Math.min(1, kept));
}

/** A share is rounded for each request by itself: over many the share holds. Draws only where there is something to decide. */
export function isKept(share: number, random: Random): boolean {
  if (share >= 1) return true;
  return share > 0 && random() < share;
}

function within(value: number, { from, full }: Range): number {
  return Math.max(0, Math.min(1, (value - from) / (full - from)));
}
