import { bytesToMebibytes } from './bytes-to-mebibytes.ts';
import { country } from './country.ts';
import { deviceFamily } from './device-family.ts';
import { hex } from './hex.ts';
import { language } from './language.ts';
import { lowerCase } from './lower-case.ts';
import { millisToSeconds } from './millis-to-seconds.ts';
import type { Normalizer } from './normalizer.ts';
import { percentToShare } from './percent-to-share.ts';
import { secondsToMillis } from './seconds-to-millis.ts';
import { secondsToTime } from './seconds-to-time.ts';
import { sha256 } from './sha256.ts';
import { textToTime } from './text-to-time.ts';
import { textToTimeMicros } from './text-to-time-micros.ts';
import { trim } from './trim.ts';
import { upperCase } from './upper-case.ts';
import { url } from './url.ts';

/** All that `apply` knows, by name. */
export const normalizers: ReadonlyMap<string, Normalizer> = new Map(
  [
    trim,
    lowerCase,
    upperCase,
    country,
    language,
    url,
    deviceFamily,
    textToTime,
    textToTimeMicros,
    secondsToTime,
    secondsToMillis,
    millisToSeconds,
    bytesToMebibytes,
    percentToShare,
    sha256,
    hex,
  ].map((normalizer) => [normalizer.name, normalizer]),
);
