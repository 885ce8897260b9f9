import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { hideKafkajsTimeoutWarning } from './kafka-warning.ts';

function warning(name: string, file: string): Error {
  const made = new Error('x');
  made.name = name;
  made.stack = `${name}: x\n    at RequestQueue.f (${file}:1:1)`;
  return made;
}

it('hides exactly the negative timeout of kafkajs and prints every other warning once', () => {
  const emitter = new EventEmitter<{ warning: [Error] }>();
  const printed: Error[] = [];
  emitter.on('warning', (one) => printed.push(one));
  hideKafkajsTimeoutWarning(emitter);
  const ours = '/app/node_modules/kafkajs/src/network/requestQueue/index.js';
  const others = [
    warning('TimeoutNegativeWarning', '/app/other.js'),
    warning('DeprecationWarning', ours),
    warning('MaxListenersExceededWarning', '/app/other.js'),
  ];
  for (const one of [warning('TimeoutNegativeWarning', ours), ...others]) emitter.emit('warning', one);
  expect(printed).toEqual(others);
});
