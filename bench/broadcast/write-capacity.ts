import { readFileSync, writeFileSync } from 'node:fs';
import { computedPart, withComputedPart } from './capacity-page.ts';

const page = new URL('../../docs/capacity.md', import.meta.url);
const result = new URL('../results/broadcast.json', import.meta.url);
const part = computedPart(JSON.parse(readFileSync(result, 'utf8')));
writeFileSync(page, withComputedPart(readFileSync(page, 'utf8'), part));
