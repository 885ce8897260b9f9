import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { checkNodeId, type NodeRef } from '../../graph-store/index.ts';
import { type Claims, explainRead, type Policy } from '../../query-api/index.ts';
import { policyOf, readAccessFile } from '../api-access.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';

interface CheckOptions {
  readonly as?: string;
  readonly canRead?: string;
  readonly json?: boolean;
}

const examples = `Examples:
  jg api policy check policy.yaml
  jg api policy check policy.yaml --as claims.json --can-read Account:acc-000001
`;

/** `jg api`: what an operator of the API needs beside a running one. */
export function addApiCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const api = program.command('api').description('Checks what the API goes by.');
  addPolicyCommand(api, io, finish);
}

/** `jg api policy check`: is a policy right, and why may a caller read a node. */
function addPolicyCommand(api: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const policy = api.command('policy').description('Who may read what: the file of `api.policy.file`.');
  policy
    .command('check')
    .description('Checks a policy; with claims and a node, says why that caller may read it.')
    .argument('<file>', 'The policy, in YAML or JSON.')
    .option('--as <file>', "The claims of a caller: a JWT's payload, as JSON.")
    .option('--can-read <node>', 'A node, such as Account:acc-000001.')
    .option('--json', 'One JSON object.')
    .addHelpText('before', examples)
    .action(async (file: string, options: CheckOptions) => {
      const checked = policyOf(file, await readAccessFile('api.policy.file', file));
      if (options.as === undefined && options.canRead === undefined) {
        io.out(
          options.json === true
            ? '{"valid":true}\n'
            : `${printable(file)} is right: ${countText(checked)}.\n`,
        );
        return finish(exitCodes.ok);
      }
      finish(await explain(checked, options, io));
    });
}

async function explain(
  policy: Policy,
  { as, canRead, json }: CheckOptions,
  io: CommandIo,
): Promise<ExitCode> {
  if (as === undefined || canRead === undefined) {
    throw new RefusedError('UNEXPECTED_ARGUMENT', '--as and --can-read go together: who, and which node.');
  }
  const explanation = explainRead(policy, await readClaims(as), readNode(canRead));
  if (json === true) io.out(`${printableLines(JSON.stringify(explanation, null, 2))}\n`);
  else {
    const { answer, reasons, fields } = explanation;
    io.out(`${answerText[answer]}\n${reasons.map((reason) => `  ${printable(reason)}\n`).join('')}`);
    const shown =
      fields === 'all' ? 'all of its properties' : fields.length === 0 ? 'no property' : fields.join(', ');
    if (answer !== 'no') io.out(`It shows ${printable(shown)}.\n`);
  }
  return explanation.answer === 'no' ? exitCodes.failed : exitCodes.ok;
}

const answerText = { yes: 'Yes.', no: 'No.', depends: 'That depends on the graph:' } as const;

function countText({ scopes, claims }: Policy): string {
  const named = claims.size === 0 ? 'no claim' : [...claims].map((name) => `\`${name}\``).join(', ');
  return `${scopes.size} ${scopes.size === 1 ? 'scope' : 'scopes'}, compares with ${named}`;
}

async function readClaims(file: string): Promise<Claims> {
  const text = await readAccessFile('--as', file);
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new RefusedError('CLAIMS_INVALID', `--as ${file}: is not JSON.`, { cause });
  }
  if (isClaims(parsed)) return parsed;
  throw new RefusedError(
    'CLAIMS_INVALID',
    `--as ${file}: takes a JSON object, such as {"sub":"x","scope":"a b"}.`,
  );
}

function isClaims(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readNode(text: string): NodeRef {
  const [type = '', ...rest] = text.split(':');
  const id = rest.join(':');
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(type) || id === '') {
    throw new RefusedError('UNEXPECTED_ARGUMENT', '--can-read takes a node such as Account:acc-000001.');
  }
  checkNodeId(id);
  return { type, id };
}
