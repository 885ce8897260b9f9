import { describe, expect, it } from 'vitest';
import { OutageError } from '../foundation/index.ts';
import { withoutPipeline } from './schema-registry-access.ts';

describe('an outage that meets a command', () => {
  it.each([
    [
      'KAFKA_UNKNOWN_TOPIC',
      'The topic does not exist. It is waited for; create it, or check its name.',
      'The topic does not exist. Create it, or check its name.',
    ],
    [
      'REGISTRY_UNREACHABLE',
      'The registry gave no answer; the pipeline pauses until it does.',
      'The registry gave no answer: check schema.registry.url and the network.',
    ],
    ['KAFKA_UNAVAILABLE', 'No broker answers.', 'No broker answers.'],
  ])('does not say that something waits: %s', (code, message, said) => {
    const error = withoutPipeline(new OutageError(code, message));
    expect(error).toMatchObject({ code, message: said });
  });
});
