import { seededRandom } from '../../foundation/index.ts';
import { accountId } from '../ingest/playback-events.ts';
import type { ApiTarget } from './api-target.ts';
import { bodyParts, type CanonicalAnswer, type QuestionName, questionNames } from './questions.ts';

/** The first answers of a database that has just been loaded may take seconds. */
const answerTimeoutMs = 60_000;

/** By question, then by account. */
export type SampleAnswers = Readonly<Record<QuestionName, ReadonlyMap<string, CanonicalAnswer>>>;

export function sampleAccounts(accounts: number, count: number, seed: number): readonly string[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => accountId(Math.floor(random() * accounts)));
}

export async function askSample(target: ApiTarget, accounts: readonly string[]): Promise<SampleAnswers> {
  const answers = { journey: new Map<string, CanonicalAnswer>(), hop3: new Map<string, CanonicalAnswer>() };
  for (const name of questionNames) {
    for (const account of accounts) answers[name].set(account, await ask(target, name, account));
  }
  return answers;
}

async function ask(target: ApiTarget, name: QuestionName, account: string): Promise<CanonicalAnswer> {
  const question = target.questions[name];
  const [before, after] = bodyParts(question);
  const response = await fetch(`http://${target.host}:${target.port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: `${before}${account}${after}`,
    signal: AbortSignal.timeout(answerTimeoutMs),
  });
  const text = await response.text();
  if (response.status !== 200 || text.includes('"errors":'))
    throw new Error(`${target.name} does not answer ${name}: ${response.status} ${text.slice(0, 1000)}`);
  return question.read(text);
}

/** @throws when they say something else, with the first account of which they do. */
export function expectSameAnswers(name: string, ours: SampleAnswers, theirs: SampleAnswers): void {
  for (const question of questionNames) {
    for (const [account, answer] of ours[question]) {
      const other = theirs[question].get(account) ?? [];
      if (answer.join('\n') === other.join('\n')) continue;
      const lacks = answer.filter((line) => !other.includes(line));
      const adds = other.filter((line) => !answer.includes(line));
      throw new Error(
        `${name} answers ${question} of ${account} differently: of our ${answer.length} it lacks ${lacks.length} ` +
          `(${lacks.slice(0, 3).join(' ')}) and has ${adds.length} others (${adds.slice(0, 3).join(' ')})`,
      );
    }
  }
}
