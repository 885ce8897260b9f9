import type { ApiTarget } from './api-target.ts';
import type { Questions } from './questions.ts';
import { startServer } from './rival-server.ts';

/**
 * What no server of one Node process can pass here: plain `node:http` that reads a question and answers with as many bytes as we do, without having looked at anything.
 * Its answers say nothing, so they are not compared.
 */
export async function startConstantTarget(bytes: number, questions: Questions): Promise<ApiTarget> {
  const server = await startServer('./constant-process.ts', ['--bytes', String(Math.round(bytes))]);
  return { ...server, name: 'constant', questions };
}
