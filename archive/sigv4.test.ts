import { describe, expect, it } from 'vitest';
import { amzDate, authorization, encodedPath, type SignedRequest, sha256 } from './sigv4.ts';

/** The examples of Amazon's reference, with their published signatures. */
const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const at = new Date('2013-05-24T00:00:00Z');
const nothing = sha256('');

function request(method: string, part: Partial<SignedRequest>): SignedRequest {
  const payloadSha256 = part.payloadSha256 ?? nothing;
  const headers = {
    host: 'examplebucket.s3.amazonaws.com',
    'x-amz-content-sha256': payloadSha256,
    'x-amz-date': amzDate(at),
    ...part.headers,
  };
  return { method, path: part.path ?? '/', query: part.query ?? [], headers, payloadSha256 };
}

describe('a signature', () => {
  it.each<[string, SignedRequest, string]>([
    [
      'reading a range',
      request('GET', { path: '/test.txt', headers: { range: 'bytes=0-9' } }),
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'writing an object',
      request('PUT', {
        path: encodedPath(['test$file.text']),
        payloadSha256: sha256('Welcome to Amazon S3.'),
        headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      }),
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    [
      'asking with an empty parameter',
      request('GET', { query: [['lifecycle', '']] }),
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    ],
    [
      'listing',
      request('GET', {
        query: [
          ['prefix', 'J'],
          ['max-keys', '2'],
        ],
      }),
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('is the published one for %s', (_what, signed, signature) => {
    const value = authorization(signed, credentials, 'us-east-1', at);
    expect(value).toContain(`Signature=${signature}`);
    expect(value).toContain('Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request');
    expect(value).not.toContain(credentials.secretAccessKey);
  });
});
