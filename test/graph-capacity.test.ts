import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

interface Result {
  readonly figures: Readonly<Record<string, { readonly value: number }>>;
}

it('The constants of the graph in docs/capacity.md are those of the results', () => {
  const page = readFileSync(join(root, 'docs', 'capacity.md'), 'utf8');
  const [, table = ''] = /<!-- graph constants -->([\s\S]*?)<!-- end of graph constants -->/.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| `([\w.]+)` \| ([\d,.]+) \| .* \| `(\w+)` \|$/gm)];
  expect(rows).toHaveLength(15);
  for (const [, name = '', value = '', bench = ''] of rows) {
    const result: Result = JSON.parse(readFileSync(join(root, 'bench', 'results', `${bench}.json`), 'utf8'));
    const decimals = value.split('.')[1]?.length ?? 0;
    expect([name, Number(value.replaceAll(',', ''))]).toEqual([
      name,
      Number((result.figures[name]?.value ?? Number.NaN).toFixed(decimals)),
    ]);
  }
});
