import { expect, it } from 'vitest';
import { parseAnswer } from './http-connection.ts';

const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

it.each([
  ['a length', `${head}Content-Length: 7\r\n\r\n{"a":1}`],
  ['chunks', `${head}transfer-encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n`],
])('knows an answer with %s to be whole at its last byte and not before', (_name, text) => {
  const bytes = Buffer.from(text);
  for (let end = 0; end < bytes.length; end++) expect(parseAnswer(bytes.subarray(0, end))).toBe(null);
  const answer = parseAnswer(bytes);
  expect(answer?.status).toBe(200);
  expect(answer?.body.toString()).toContain('{"a":1}');
});

it('tells the status of a refusal', () => {
  expect(parseAnswer(Buffer.from('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'))?.status).toBe(503);
});
