import { expect, it } from 'vitest';
import { loadSettings, settingSpecs } from '../config/index.ts';
import { assert, must } from '../foundation/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';
import { notArchiving } from './shared-graph.ts';

const brokers = ['--bootstrap.servers', 'localhost:1', '--schema.registry.url', 'http://localhost:1'];
const neo4j = ['--store', 'neo4j', '--neo4j.uri', 'bolt://localhost:1'];

it.each([
  ['ingest', [...brokers, '--topics', 't'], 'STORE_NOT_SHARED'],
  ['ingest', neo4j, 'LOG_NOT_SHARED'],
  ['api', [...brokers, '--topics', 't'], 'STORE_NOT_SHARED'],
  ['api', neo4j, 'LOG_NOT_SHARED'],
  ['api', ['--keeps'], 'STORE_NOT_SHARED'],
])('jg %s refuses what one process has for itself: %j', async (command, words, code) => {
  const io = fakeIo();
  expect(await runProgram([command, ...words], io)).toBe(2);
  expect(io.written.out).toBe('');
  expect(io.written.err).toMatch(
    new RegExp(`^error ${code}: \`jg ${command}\` shares its .*\`jg up\`\\.\n$`),
  );
});

it('jg ingest names every store that processes can share', async () => {
  const io = fakeIo();
  await runProgram(['ingest', ...brokers, '--topics', 't'], io);
  for (const store of sharedStores()) expect(io.written.err).toContain(`--store ${store}`);
});

it.each([
  ['on', expect.stringContaining('`jg archive run`')],
  ['off', null],
])('jg ingest says when it was told to archive, which it does not: archive %s', (archive, said) => {
  const { settings } = loadSettings({ flags: { archive }, environment: {}, files: [] });
  expect(notArchiving(settings)).toEqual(said);
});

it('jg api takes a misspelt command for what it is', async () => {
  const io = fakeIo();
  expect(await runProgram(['api', 'shcema'], io)).toBe(2);
  expect(io.written.err).toContain('error UNEXPECTED_ARGUMENT: ');
});

function sharedStores(): readonly string[] {
  const spec = must(settingSpecs.get('store'), 'there is a setting for the store');
  assert(spec.kind === 'choice', 'it is one of some words');
  const shared = spec.choices.filter((store) => store !== 'leveldb');
  expect(shared.length).toBeGreaterThan(1);
  return shared;
}
