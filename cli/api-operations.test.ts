import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'check-operations-'));
});
afterAll(() => rm(folder, { recursive: true }));

const schema = join(import.meta.dirname, '../docs/schema.graphql');

async function check(
  list: string,
  ...more: readonly string[]
): Promise<readonly [number, string, string, string]> {
  const file = join(folder, 'operations.json');
  await writeFile(file, list);
  const io = fakeIo();
  const code = await runProgram(['api', 'check-operations', file, ...more], io);
  return [code, io.written.out, io.written.err, file];
}

it('a list whose operations all fit is fine', async () => {
  const list = JSON.stringify({
    a: '{ status { nodes } }',
    b: 'query($id: ID!) { node(type: "A", id: $id) { id } }',
  });
  expect((await check(list, '--schema', schema)).slice(0, 3)).toEqual([
    0,
    '2 operations fit the schema.\n',
    '',
  ]);
});

it('every operation that does not fit is named with its file, line and place', async () => {
  const list = '{\n  "a": "{ status { nodez } }",\n  "b": "{ node }"\n}';
  const [code, out, err, file] = await check(list, '--schema', schema);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(`${file}:2: operation \`a\`: 1:12: Cannot query field "nodez"`);
  expect(err).toContain(`${file}:3: operation \`b\`: 1:3: Field "node" of type "Node" must have`);
});

it('problems can be had as JSON', async () => {
  const [code, out] = await check('{"a": "{"}', '--schema', schema, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ operations: 0, problems: [{ line: 1, id: 'a' }] });
});

it('a schema that is none, and a list beyond its tokens, are refused', async () => {
  expect((await check('{"a": "{ x }"}', '--schema', import.meta.filename))[0]).toBe(2);
  const [code, , err] = await check('{"a": "{ status { nodes } }"}', '--schema', schema, '--tokens-max', '3');
  expect([code, err]).toEqual([1, expect.stringContaining('more than 3 tokens')]);
  expect((await check('{}', '--schema', schema, '--tokens-max', 'x'))[0]).toBe(2);
});
