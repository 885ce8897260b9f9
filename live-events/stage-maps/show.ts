/** What a device is that fetches. */
export const deviceKinds = ['tv', 'phone', 'tablet', 'web'] as const;
export type DeviceKind = (typeof deviceKinds)[number];

export function isDeviceKind(text: unknown): text is DeviceKind {
  return deviceKinds.some((kind) => kind === text);
}

/** What a member is shown at one stage. */
export interface Show {
  readonly title: string;
  readonly subtitle?: string;
  /** The variant's name, or its address. */
  readonly artwork: string;
  readonly badge?: string;
  /** Which row or place of the page. */
  readonly placement: string;
  readonly deepLink: string;
  /** Whether an open details page goes over into the player. */
  readonly player: 'stay' | 'enter';
  /** Of its button, such as `remind` or `watch`. */
  readonly action?: string;
}

/** By stage key; a stage that is not in it shows nothing of the event. A map, since a stage may be called `__proto__`. */
export type StageMap = ReadonlyMap<string, Show>;

/** The same stage map always has the same text: stages in the order of the event, fields in one order. */
export function encodeStageMap(shown: StageMap): string {
  const entries = [...shown].map(([key, show]) => [key, ordered(show)] as const);
  return JSON.stringify(Object.fromEntries(entries));
}

function ordered({ title, subtitle, artwork, badge, placement, deepLink, player, action }: Show): Show {
  return {
    title,
    ...(subtitle === undefined ? {} : { subtitle }),
    artwork,
    ...(badge === undefined ? {} : { badge }),
    placement,
    deepLink,
    player,
    ...(action === undefined ? {} : { action }),
  };
}
